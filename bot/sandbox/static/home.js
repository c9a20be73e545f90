// Shows the app's Home tab: the view that the app published for this person. It is redrawn whenever the app
// publishes another, and half-made choices and the focus survive that.

import { renderBlocks } from "./blocks.js";
import { h, put } from "./dom.js";
import { valuesOf } from "./overlays.js";
import { store } from "./store.js";

/** Make the Home tab inside `box`; `draw()` brings it up to date. */
export function createHome(box, makeEnv) {
  let drawn = "";
  let shown = { id: "", fields: new Map() };

  return {
    draw() {
      const { home } = store.data;
      const signature = store.me + JSON.stringify(home);
      if (signature === drawn) return;
      drawn = signature;
      const kept = home && shown.id === home.id ? valuesOf(shown) : {};
      const stateOf = (block, action) => kept[block]?.[action] || home.state.values[block]?.[action] || null;
      shown = { id: home?.id || "", fields: new Map() };
      const env = { ...makeEnv("home", { home: true, view_id: home?.id }, "home"), fields: shown.fields, stateOf };
      const focus = placeOf(box);
      const { scrollTop } = box;
      put(box, h("div", { class: "home-page" }, home?.blocks.length ? renderBlocks(home.blocks, env) : h("p", { class: "muted" }, "Deskhand has not published a Home tab for you yet.")));
      box.scrollTop = scrollTop;
      if (focus) refocus(box, focus);
    },
  };
}

function placeOf(box) {
  const active = document.activeElement;
  if (!box.contains(active) || !active.dataset.actionId) return null;
  return { action: active.dataset.actionId, value: active.dataset.value, block: active.closest("[data-block-id]")?.dataset.blockId };
}

function refocus(box, { action, value, block }) {
  const controls = [...box.querySelectorAll("[data-action-id]")].filter((other) => other.dataset.actionId === action && other.dataset.value === value);
  const same = controls.find((other) => other.closest("[data-block-id]")?.dataset.blockId === block);
  (same || controls[0])?.focus({ preventScroll: true });
}
