"""A local Slack workspace and a stand-in for the model, for the demo and the end-to-end tests.

    slack        the workspace itself: its state, its events, its rules
    methods      the methods of the Web API; api: how they are called, files: the bytes of files
    people       what people do in it, and what they see
    workspace    the app with its routes; guard: who may send requests to it; static: the page
    standin      the stand-in for the model
    demo         the demo for a visitor, and the tour that plays itself

It is as strict as Slack. These behaviours may surprise; each has its documentation or a report of it:

behaviour                                                     | source
--------------------------------------------------------------+----------------------------------------------------
`chat.update` takes 4,000 bytes of `text`, a post more: else  | docs.slack.dev/reference/methods/chat.update;
`msg_too_long`                                                | openclaw/openclaw#128613
an administrator deletes the bot's own message                | docs.slack.dev/reference/events/message/message_deleted:
(`/sandbox/remove`): `message_deleted`, or a tombstone, and   | "all types of messages are eligible for deletion";
then `message_not_found` from `chat.update`                   | docs.slack.dev/reference/methods/chat.update
a reply below a root that is gone lands at the top level of   | slackapi/python-slack-events-api#87;
the channel                                                   | measure-sh/measure#3997
`views.open` is refused (the fault `fail` with                | slackapi/bolt-python#886, #772;
`expired_trigger_id`), or its answer is lost (`drop_answer`)  | slackapi/bolt-js#1662
an edit that adds a mention of the bot is `message_changed`   | slackapi/bolt-js#960; slack-go/slack#1256
and then `app_mention` with `edited`                          |
in a shared channel the outer `team_id` is the sender's,      | slackapi/java-slack-sdk#629; slackapi/bolt-js#935
ours is in `authorizations`                                   |
`users.info` says `locale` (`en-US` unless `people` or the     | docs.slack.dev/reference/methods/users.info
control API set another) only with `include_locale`           |
`app_mention` has no `files`; the `message` of the same ts    | openclaw/openclaw#62927;
has them, after it or (the fault `message_first`) before it   | NousResearch/hermes-agent#77141
what is typed comes as `text` and again as `rich_text`        | seratch/seratch-slack-types#8; docs.slack.dev/reference/
in `blocks`, where it is not escaped                          | block-kit/blocks/rich-text-block
a forwarded message (`/sandbox/forward`) stands in            | ColeMurray/background-agents#1146;
`attachments` with `is_share`, and `text` may be empty        | slackapi/slack-skills-plugin#149
a pasted table stands in `attachments[].blocks` and no text   | vercel/chat#803; openclaw/openclaw#112229
who writes through an app of theirs has `user` and `bot_id`   | anneschuth/claude-threads#526
a form of Workflow Builder (`/sandbox/workflow`) is a         | slackapi/bolt-python#817; hubot-friends/hubot-slack#35;
`bot_message`, its `app_mention` too has no user              | caipe-io/ai-platform-engineering#2193
a clip has its transcript in `files[].transcription`          | soxtoby/SlackNet#167
a stream below a root that is gone: `invalid_thread_ts`       | caipe-io/ai-platform-engineering#1034
too many events are dropped, and `app_rate_limited`, which is | docs.slack.dev/reference/events/app_rate_limited
no event itself, tells of it (`/sandbox/drop_events`)         |
Slackbot says a reminder (`/sandbox/remind`): `message` and   | PostHog/posthog#60193; Netflix/dispatch#2421
`app_mention` of `USLACKBOT`, without a mark of a bot         |
"""
