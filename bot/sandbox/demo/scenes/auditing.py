"""The audit log is signed, verified and exported; a copy is tampered with in eight ways, and each is found.

One change in the directory is explained back to the message in Slack that asked for it.

The signer has a key of its own, which is made here and given to no other process.
"""

from pathlib import Path
from secrets import token_bytes

from bot import configured_keys
from bot.audit_chain import export_file, proofs
from bot.audit_chain.export_file import ExportReader
from bot.audit_chain.proofs import AuditKey, Checkpoint
from bot.audit_chain.verification import ChainReport, ChainVerifier
from bot.sandbox.demo.scenes import tampering
from bot.sandbox.demo.scenes.checks import Json, check
from bot.sandbox.demo.scenes.stage import Stage
from bot.store.audit import chain, strata, things
from bot.store.audit.strata import ActKind
from bot.store.audit.things import NameKind, ThingName
from bot.store.db import Session


def audit(stage: Stage) -> Json:
    """The log verifies against the signer's checkpoint, and eight ways to tamper with a copy are each found."""
    while (head := stage.read(chain.head)) is None or head.position < tampering.LEAST:
        stage.lock("acc-grace")
        thread = stage.ask("U0GRACE", "I'm locked out of my account.")
        stage.answer(thread)
        stage.done(thread)
    folder = Path(stage.running_demo.environment["DESKHAND_CONFIG"]).parent / f"audit-{token_bytes(4).hex()}"
    folder.mkdir(mode=0o700)
    written = configured_keys.generate(proofs.KIND)
    [own] = configured_keys.parse(proofs.KIND, [written], source="the scene").keys
    key = proofs.derived(own.secret)
    return {**_verified(stage, folder, written, key), **_tampered(stage, folder, key), **_explained(stage)}


def _verified(stage: Stage, folder: Path, written: str, key: AuditKey) -> Json:
    """Sign, verify and export as operators do."""
    file = str(folder / "checkpoints")
    signed = stage.deskhand("audit", "checkpoint", "--file", file, "--json", environment={proofs.VARIABLE: written})
    check(signed["signed"], "a checkpoint", signed)
    said = stage.deskhand("audit", "verify", "--checkpoints", file, "--key", key.public, "--json")
    check(said["whole"] and said["checkpoints"] == 1, "a whole log that agrees with its checkpoint", said)
    exported = stage.deskhand("audit", "export", "--output", str(folder / "audit.ndjson"), "--json")
    return {"records": said["records"], "signed": signed["position"], "exported": exported["to"]}


def _explained(stage: Stage) -> Json:
    """Explain one change in the directory back to the message in Slack that asked for it."""
    change = stage.read(_last_unlock)
    page = stage.deskhand("audit", "explain", change, "--json")
    facts = {part["part"]: part["facts"] for part in page["parts"]}
    [asked], [done] = facts["asked"]["messages"], facts["done"]["changes"]
    there = stage.sees(asked["user"])["messages"][asked["channel"]]
    check(asked["ts"] in {one["ts"] for one in there}, "the message that asked for the change", asked)
    check((done["key"], done["action"]) == (change, "unlock"), "the change itself", done)
    check(facts["agreed"]["agreement"] == "matched", "a directory that agreed", facts["agreed"])
    decided = facts["decided"]["decisions"][-1]["rule"]
    return {"explained": {"change": change, "channel": asked["channel"], "ts": asked["ts"], "rule": decided}}


def _last_unlock(session: Session) -> str:
    """Return the name of the last call that was allowed to unlock an account."""
    last = strata.all_acts(session, ["unlock_my_account"])[ActKind.WRITES][-1]
    return things.find(session, ThingName(NameKind.RECORD, number=last))[0].name


def _tampered(stage: Stage, folder: Path, key: AuditKey) -> Json:
    """Tamper with a copy of the export in eight ways, and verify each copy."""
    reader = ExportReader(folder / "audit.ndjson")
    links = [one for batch in reader.batches() for one in batch]
    checkpoints = proofs.read_file(folder / "checkpoints", {key.id: key}).checkpoints
    check(_report(folder / "audit.ndjson", checkpoints).whole, "an export that verifies by itself", len(links))
    found = {}
    for way, (kind, first) in tampering.WAYS.items():
        changed, head = way(list(links), reader.head)
        copy = folder / f"{way.__name__}.ndjson"
        export_file.put(copy, export_file.lines(head, reader.made_at, [changed]))
        report = _report(copy, checkpoints)
        check(not report.whole, f"a finding in the copy {way.__name__}", report.as_json())
        one = report.findings[0]
        check(kind in one.fits and one.position == first, f"{kind} at record {first}", one)
        stage.say(f"  {way.__name__.replace('_', ' ')}: {one.says}")
        found[way.__name__] = {"record": one.position, "fits": [str(fits) for fits in one.fits]}
    return {"tampered": len(found), "found": found}


def _report(file: Path, checkpoints: tuple[Checkpoint, ...]) -> ChainReport:
    reader = ExportReader(file)
    verifier = ChainVerifier(reader.head, checkpoints)
    for batch in reader.batches():
        verifier.feed(batch)
    return verifier.report(also=reader.findings)
