"""Where personal data is: every column of every table. Pure.

A test compares it with the schema, so that a new table or column is either declared here or fails it.
"""

from typing import Final

from bot.store.personal.kinds_of_data import Kept, TableData

_RUNS = "id release suite repeats fixed_repeats cases only state verdict why model_is_standin started_at finished_at"
_APPROVAL = "id ticket_id turn_id step intent_id agent release team tool arguments_sha256 policy_sha256 second_step"
_REVIEW = "id scope window_start resets_at limit_nusd spent_nusd held_nusd needed_nusd agent ticket_id turn_id state"
_LEDGER = "rid state team agent release purpose ticket_id turn_id step tool model price_version reserved_nusd cost_nusd"

TABLES: Final[dict[str, TableData]] = {
    # Requests
    "tickets": TableData(
        Kept.CARD,
        free="id team private agent state category created_at resolved_at contradicted_at surge_id following "
        "words_erased_at",
        person="requester assignee",
        account="account",
        place="thread_ts",
        mention="channel",
        of="id",
        unique="thread_ts",
    ),
    "requesters": TableData(Kept.ERASED, free="team heard_at", person="user", owner="user"),
    "turns": TableData(
        free="id ticket_id state attempt failures waits held_back suspended_at waited_seconds lease_owner lease_until "
        "queued_at directory_failed_at created_at started_at finished_at release outcome reason category",
    ),
    "inbox_events": TableData(
        Kept.CARD,
        free="id kind team ticket_id turn_id state queued_at received_at",
        person="user",
        place="event_id ts",
        words="text files detail",
        mention="channel",
        of="ticket_id",
        authors=dict.fromkeys(("event_id", "ts", "text", "files", "detail"), "user"),
        keeps={"detail": ("handoff", "command")},
        unique="event_id ts",
    ),
    "steps": TableData(
        Kept.CARD,
        free="id turn_id seq attempt kind name status started_at finished_at input_tokens output_tokens cost_nusd",
        words="request response",
        of="turn_id",
        keeps={"request": ("intent", "decision"), "response": ("content=", "ok", "usage", "stop_reason")},
    ),
    "messages": TableData(
        Kept.CARD,
        free="id kind op ticket_id turn_id handoff_id thread_of bot_voice state attempts due_at look_at revision "
        "shown_revision created_at posted_at",
        person="user",
        place="key lane thread_ts ts file_id",
        words="body error",
        mention="channel",
        of="ticket_id",
        authors={"body": "user"},
        unique="key",
    ),
    "feedback": TableData(
        Kept.CARD, free="id turn_id good at", person="user", words="words", of="turn_id", authors={"words": "user"}
    ),
    "samples": TableData(
        Kept.CARD,
        free="id turn_id ticket_id agent release week finished_at kept_for draw kept_at scored_at passed judge_due_at "
        "judge_asked judged_at judged_good",
        words="failures judgement",
        of="ticket_id",
    ),
    "sampled_weeks": TableData(free="agent release week turns"),
    "surges": TableData(
        Kept.ERASED,
        free="id agent cause reason handoff_id left_out channel language people shown_at healthy checked_at began_at "
        "over_at over_by settled_at",
        mention="words",  # what many had in common, so no one's words
    ),
    "retention_marks": TableData(free="name row_id"),
    "surge_watches": TableData(free="agent at"),
    # People who take over
    "handoffs": TableData(
        Kept.CARD,
        free="id ticket_id turn_id previous_id reason state queue_channel claimed_at lease_until warned sent expiries "
        "openings open_since escalation_level waiting_since opened_at first_response_at closed_at",
        person="claimed_by",
        words="summary context resolution",
        of="ticket_id",
        authors={"resolution": "claimed_by"},
        keeps={
            "context": ("of_account", "accounts", "cost_nusd", "calls", "withheld", "raised", "surge", "fell_back"),
            "resolution": ("category", "agent_could", "words"),
        },
    ),
    "handoff_moves": TableData(Kept.ERASED, free="id handoff_id move at", person="actor", mention="detail"),
    "case_proposals": TableData(
        Kept.CARD,
        free="id agent handoff_id ticket_id state revision proposed_at decided_at",
        person="assignee proposed_by decided_by",
        words="draft",
        of="ticket_id",
    ),
    "departed": TableData(Kept.ERASED, free="at", person="user", owner="user"),
    "members": TableData(Kept.SHORT, free="asked_at asking_until", person="user", account="said", owner="user"),
    "spoken_languages": TableData(Kept.ERASED, free="locale", person="user", owner="user"),
    "homes": TableData(Kept.ERASED, free="team opened_at mark shown due_at", person="user", owner="user"),
    # Approvals
    "approvals": TableData(
        Kept.CARD,
        free=f"{_APPROVAL} expires_minutes state created_at asked_at expires_at decided_at second_step_given cause "
        "used_at withheld",
        person="requester decided_by first_by",
        account="account_id account_version",
        place="link",
        words="arguments plan evidence reason",
        of="ticket_id",
        authors={"reason": "decided_by"},
    ),
    "approval_moves": TableData(Kept.ERASED, free="id approval_id what at", person="actor", mention="detail"),
    "proofs": TableData(
        Kept.CARD,
        free="id approval_id kind state number key asked_at expires_at answered_at",
        person="asked_of answered_by",
        account="manager",
        words="words",
        of="approval_id",
        authors={"words": "answered_by"},
    ),
    "approvers": TableData(
        Kept.ERASED,
        free="enrolled_at last_step failures locked_at",
        person="user enrolled_by",
        proof="secret",
        owner="user",
    ),
    "account_watches": TableData(free="approval_id began_at found_at"),
    # Money
    "ledger": TableData(
        Kept.ERASED,
        free=f"{_LEDGER} input_tokens cache_read_tokens cache_write_5m_tokens cache_write_1h_tokens output_tokens "
        "usage at lease_until settled_at",
        person="user",
        mention="channel accounts",
    ),
    "price_versions": TableData(free="version rates seen_at"),
    "budget_notices": TableData(
        Kept.ERASED,
        free="id percent scope window_start resets_at limit_nusd spent_nusd agent turn_id at told_at",
        mention="account holder",
        unique="account",
    ),
    "budget_reviews": TableData(
        Kept.ERASED,
        free=f"{_REVIEW} raised_nusd opened_at decided_at applied_at told_at waiting goes_on_at gone_on still",
        person="user decided_by goes_on_by",
        words="why",
        mention="account holder channel",
        authors={"why": "decided_by"},
        unique="account",
    ),
    # Accounts and the local directory
    "account_writes": TableData(
        Kept.ERASED, free="id tool ticket_id turn_id step state at agreement look_at", account="account", of="ticket_id"
    ),
    "bounded_accounts": TableData(Kept.ERASED, account="account", owner="account"),
    "used_tokens": TableData(free="jti expires_at"),
    "accounts": TableData(
        Kept.DIRECTORY,
        person="slack_user",
        directory="id email name status lock_reason privileged liftable factors password_changed_at manager",
    ),
    "sign_ins": TableData(Kept.DIRECTORY, directory="id account_id at ok why place"),
    "directory_writes": TableData(Kept.DIRECTORY, directory="key account_id action before after at"),
    "account_sessions": TableData(
        Kept.DIRECTORY, directory="id account_id device place began_at revoked_at revoked_by"
    ),
    "factor_challenges": TableData(
        Kept.DIRECTORY,
        directory="key account_id factor number state wrong_numbers asked_at expires_at answered_at",
    ),
    "account_notices": TableData(Kept.DIRECTORY, directory="key account_id address text at"),
    # Agents, releases and evaluations: cases are written for the purpose, and proposed ones are read by people first
    "agents": TableData(
        Kept.ERASED, free="name first_seen_at retired_at reviewed_at review_until reminded_at", person="reviewed_by"
    ),
    "suspensions": TableData(
        Kept.ERASED, free="id agent at over_at", person="by over_by", words="cause", authors={"cause": "by"}
    ),
    "releases": TableData(free="fingerprint agent body created_at"),
    "release_verdicts": TableData(free="release suite verdict at run_id why"),
    "waivers": TableData(
        Kept.ERASED,
        free="id release suite run_id signed_at ends_at revoked_at expired_at",
        person="owner revoked_by",
        words="reason",
        authors={"reason": "owner"},
    ),
    "promotions": TableData(Kept.ERASED, free="id agent number release suite at", person="by"),
    "release_notices": TableData(free="id agent release suite cause told_at over_at"),
    "file_texts": TableData(Kept.ERASED, free="sha", mention="text"),  # cards name owners and responders
    "kept_files": TableData(free="owner name sha"),
    "eval_runs": TableData(
        Kept.ERASED,
        free=f"{_RUNS} cost_nusd kind played_by width queued held_by seen_at told_at",
        person="started_by shown_to",
    ),
    "eval_results": TableData(
        free="id run_id case_id slice hard repeat case_sha played outages passed failures transcript duration_ms "
        "cost_nusd",
    ),
    "probe_results": TableData(free="run_id state runs p_value difference hard_failures"),
    "judge_calibrations": TableData(
        Kept.ERASED, free="id agent model judge good good_found bad bad_found cost_nusd at", person="by"
    ),
    # Figures, which count people and name none
    "figure_days": TableData(free="day events counted_until version"),
    "figure_counts": TableData(free="day agent events counts"),
    "success_days": TableData(free="day counted_at counts"),
    "drift_checks": TableData(
        free="id agent release stream window reference_release reference p_value effect detectable drifted moved at"
    ),
    "owner_alerts": TableData(
        Kept.ERASED, free="id agent kind found_at seen_at told_at closed_at close_told_at", mention="subject detail"
    ),
    "watermarks": TableData(free="name turn_id finished_at at"),
    # The installation
    "dashboard_links": TableData(
        Kept.SHORT, free="made_at expires_at opened_at", person="user", proof="id", owner="user"
    ),
    "dashboard_sessions": TableData(
        Kept.SHORT, free="opened_at expires_at closed_at", person="user", proof="hash", owner="user"
    ),
    "signs": TableData(free="kind who at"),
    "marks": TableData(free="place kind ground team at"),
    "audit": TableData(Kept.AUDIT, free="seq event ticket_id intent_id at digest", reference="actor subject record"),
    "audit_chain": TableData(free="position audit_seq prev hash"),
    "audit_head": TableData(free="place chain position hash"),
    "audit_people": TableData(Kept.ERASED, reference="reference salt slack_user"),
}
"The tables, by family."
