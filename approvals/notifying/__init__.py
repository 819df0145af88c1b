"""Telling people that something waits for them: webhooks, Slack, Teams, e-mail.

A message names the card and links to its page in the console, and that is all that a link does: whoever follows it
signs in, sees what is held, and answers there. Nothing of the held content is in a message. A notifier may be told
late (`after_seconds`): a second group is called when the first one did not answer.

`plan.py`      who is told of what, when, and when again; pure
`message.py`   the message in each one's form, and its signature; pure
`send.py`      one attempt, by HTTP or SMTP
`service.py`   follows approvals, makes the attempts, has each recorded
"""
