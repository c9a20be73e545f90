"""What a browser can measure of a page: contrast, width, headings and the names of charts. Each is JavaScript."""

_COLOURS = """
const parse = text => {
  const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
  return {r, g, b, a};
};
const light = ({r, g, b}) => [r, g, b].map(one => one / 255)
  .map(one => one <= .04045 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4)
  .reduce((sum, one, place) => sum + one * [.2126, .7152, .0722][place], 0);
const ratio = (one, other) => {
  const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
  return (high + .05) / (low + .05);
};
const behind = node => {
  for (let one = node; one; one = one.parentElement) {
    const colour = parse(getComputedStyle(one).backgroundColor);
    if (colour.a === 1) return colour;
  }
  return {r: 255, g: 255, b: 255};
};
"""

FAINT_TEXTS = (
    "() => {"
    + _COLOURS
    + """
  const own = one => [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
  const hidden = one => ['title', 'desc'].includes(one.localName) || !one.getClientRects().length;
  const texts = [...document.body.querySelectorAll('*')].filter(one => own(one) && !hidden(one));
  if (texts.length < 10) return ['too few texts'];
  return texts.map(one => {
    const style = getComputedStyle(one);
    const colour = parse(one.localName === 'text' ? style.fill : style.color);
    return [ratio(colour, behind(one)), one.textContent.slice(0, 40)];
  }).filter(([found]) => found < 4.5);
}"""
)
"Texts whose contrast with what is behind them is below 4.5 to 1."

FAINT_BARS = (
    "() => {"
    + _COLOURS
    + """
  const inks = [...document.querySelectorAll('pattern rect')];
  if (inks.length < 5) return ['too few inks'];
  return inks.map(one => [ratio(parse(getComputedStyle(one).fill), behind(document.body)), one.getAttribute('class')])
    .filter(([found]) => found < 3);
}"""
)
"Colours of bars whose contrast with the page is below 3 to 1."

WIDER = """() => [...document.body.querySelectorAll('*')]
  .filter(one => !one.closest('.skip, pre, .inks') && one.getBoundingClientRect().right > innerWidth + 1)
  .map(one => `${one.localName} ${one.textContent.slice(0, 40)}`)"""
"Elements that reach beyond the right edge of the screen."

HEADINGS = "() => [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(one => Number(one.localName[1]))"
"The levels of the headings, in order."

UNNAMED_CHARTS = """() => [...document.querySelectorAll('svg:not([aria-hidden])')]
  .filter(one => !one.parentElement.closest('svg'))
  .filter(one => {
    const named = (one.getAttribute('aria-labelledby') || '').split(' ')
      .map(id => document.getElementById(id)).filter(found => found && found.textContent.length > 3);
    const section = one.closest('section');
    const table = section.querySelector('table, dl');
    const sentence = section.querySelector('p');
    return one.getAttribute('role') !== 'img' || named.length !== 2 || !table || !sentence;
  }).map(one => one.outerHTML.slice(0, 80))"""
"Charts without a role, a title, a description, a sentence or a table in their section."
