"""The tables, one class each.

Times are UTC; money is integer nano-US-dollars. What people write is stored redacted (see
`bot.agent.redaction`); audit rows hold none of it.
"""

from bot.store.schema.account_access import AccountNotice, AccountSession, FactorChallenge
from bot.store.schema.account_watches import AccountWatch
from bot.store.schema.accounts import AccountRow, DirectoryWrite, SignInRow
from bot.store.schema.agents import AgentRow, Suspension
from bot.store.schema.approval_enums import ApprovalMoveKind, ApprovalState, ProofState, WithdrawCause
from bot.store.schema.approvals import Approval, ApprovalEvidence, ApprovalMove, Proof
from bot.store.schema.approvers import Approver
from bot.store.schema.audit import AuditHead, AuditLink, AuditPerson, AuditRow
from bot.store.schema.audit_guards import AUDIT_GUARDS
from bot.store.schema.base import Base, UtcDateTime, Value, now
from bot.store.schema.case_draft import CaseDraft
from bot.store.schema.case_proposals import CaseProposal
from bot.store.schema.dashboard import DashboardLink, DashboardSession, SessionEnd
from bot.store.schema.enums import (
    DirectoryAgreement,
    ExpiryCause,
    FollowerState,
    HandoffState,
    InboxKind,
    InboxState,
    LedgerState,
    MoveKind,
    Purpose,
    ReviewState,
    StepKind,
    StepStatus,
    SurgeCause,
    SurgeEnd,
    TicketState,
    TurnOutcome,
    TurnState,
    WriteState,
)
from bot.store.schema.eval_enums import (
    PlayedBy,
    ProbeState,
    ProposalState,
    RunKind,
    RunState,
    SampledFor,
    Verdict,
)
from bot.store.schema.figures import FigureCounts, FigureDay, SuccessDay
from bot.store.schema.handoff_context import EndingRaise, HandoffContext
from bot.store.schema.handoffs import Departed, Handoff, HandoffMove, MemberRow, SpokenLanguage
from bot.store.schema.heartbeats import Heartbeat
from bot.store.schema.homes import Home
from bot.store.schema.judge_calibrations import JudgeCalibration
from bot.store.schema.marks import Mark
from bot.store.schema.message_enums import MessageKind, MessageOp, MessageState
from bot.store.schema.money import BudgetNotice, BudgetReview, LedgerRow, PriceVersion
from bot.store.schema.promotions import Promotion
from bot.store.schema.releases import (
    EvalResult,
    EvalRun,
    FileText,
    KeptFile,
    ProbeResult,
    Release,
    ReleaseNotice,
    VerdictRow,
    Waiver,
)
from bot.store.schema.retention_marks import RetentionMark
from bot.store.schema.samples import Sample, SampledWeek
from bot.store.schema.surges import Surge, SurgeWatch
from bot.store.schema.thumb_recounts import THUMB_TRIGGERS
from bot.store.schema.tickets import TO_REQUESTER, Feedback, InboxEvent, Message, Requester, Step, Ticket, Turn
from bot.store.schema.watch import DriftCheck, OwnerAlert, Watermark
from bot.store.schema.watch_enums import AlertKind, CountedEvents, DriftStream
from bot.store.schema.writes import AccountWrite, BoundedAccount, UsedToken

__all__ = [
    "AUDIT_GUARDS",
    "THUMB_TRIGGERS",
    "TO_REQUESTER",
    "AccountNotice",
    "AccountRow",
    "AccountSession",
    "AccountWatch",
    "AccountWrite",
    "AgentRow",
    "AlertKind",
    "Approval",
    "ApprovalEvidence",
    "ApprovalMove",
    "ApprovalMoveKind",
    "ApprovalState",
    "Approver",
    "AuditHead",
    "AuditLink",
    "AuditPerson",
    "AuditRow",
    "Base",
    "BoundedAccount",
    "BudgetNotice",
    "BudgetReview",
    "CaseDraft",
    "CaseProposal",
    "CountedEvents",
    "DashboardLink",
    "DashboardSession",
    "Departed",
    "DirectoryAgreement",
    "DirectoryWrite",
    "DriftCheck",
    "DriftStream",
    "EndingRaise",
    "EvalResult",
    "EvalRun",
    "ExpiryCause",
    "FactorChallenge",
    "Feedback",
    "FigureCounts",
    "FigureDay",
    "FileText",
    "FollowerState",
    "Handoff",
    "HandoffContext",
    "HandoffMove",
    "HandoffState",
    "Heartbeat",
    "Home",
    "InboxEvent",
    "InboxKind",
    "InboxState",
    "JudgeCalibration",
    "KeptFile",
    "LedgerRow",
    "LedgerState",
    "Mark",
    "MemberRow",
    "Message",
    "MessageKind",
    "MessageOp",
    "MessageState",
    "MoveKind",
    "OwnerAlert",
    "PlayedBy",
    "PriceVersion",
    "ProbeResult",
    "ProbeState",
    "Promotion",
    "Proof",
    "ProofState",
    "ProposalState",
    "Purpose",
    "Release",
    "ReleaseNotice",
    "Requester",
    "RetentionMark",
    "ReviewState",
    "RunKind",
    "RunState",
    "Sample",
    "SampledFor",
    "SampledWeek",
    "SessionEnd",
    "SignInRow",
    "SpokenLanguage",
    "Step",
    "StepKind",
    "StepStatus",
    "SuccessDay",
    "Surge",
    "SurgeCause",
    "SurgeEnd",
    "SurgeWatch",
    "Suspension",
    "Ticket",
    "TicketState",
    "Turn",
    "TurnOutcome",
    "TurnState",
    "UsedToken",
    "UtcDateTime",
    "Value",
    "Verdict",
    "VerdictRow",
    "Waiver",
    "Watermark",
    "WithdrawCause",
    "WriteState",
    "now",
]
