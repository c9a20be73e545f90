"""What is said of approvals: to approvers, to the requester, and to those who are asked who the requester is.

approval_facts    an approval as its messages show it, and its facts as plain text
approval_card     the card in the queue channel; approval_forms: the forms that its buttons open
approval_notices  the requester's notice; proof_messages: the question to their manager
approval_messages stores all of them, and changes them as the approval moves
"""
