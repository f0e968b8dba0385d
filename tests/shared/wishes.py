"""What people ask for in a few words, and the actions of the sandbox's catalogue that are meant.

A line each: the words, then the actions that do it, as `platform/title`; the first one's platform is the one that a
model would name. Every third is held out: it tells how wishes fare that nobody wrote down.
"""

from __future__ import annotations

from dataclasses import dataclass

_WISHES = """
unread mail = gmail/Get Emails, gmail/List Messages
read my inbox = gmail/Get Emails, gmail/List Messages
show me the latest emails = gmail/Get Emails, gmail/List Messages
send an email to grace = gmail/Send Email, gmail/Send Message
write a mail = gmail/Send Email, gmail/Send Message, gmail/Create Draft
compose a reply = gmail/Send Email, gmail/Send Message, gmail/Create Draft
sned emial = gmail/Send Email, gmail/Send Message
draft an email = gmail/Create Draft
save a draft for later = gmail/Create Draft
mark a message as read = gmail/Modify Message Labels
throw an email in the trash = gmail/Trash Message
delete a mail = gmail/Delete Message, gmail/Trash Message
what labels do i have in gmail = gmail/List Labels
my email address = gmail/Get Profile
search emails from charles = gmail/Get Emails, gmail/List Messages
schedule a meeting = google-calendar/Create Event, google-calendar/Insert an Event, google-calendar/Quick Add an Event
book an appointment for friday = google-calendar/Create Event, google-calendar/Insert an Event, \
google-calendar/Quick Add an Event
add an event to my calendar = google-calendar/Create Event, google-calendar/Insert an Event, \
google-calendar/Quick Add an Event
what's on my calendar tomorrow = google-calendar/List Events
upcoming meetings = google-calendar/List Events
am i free on monday = google-calendar/Query Free and Busy Times, google-calendar/List Events
check availability = google-calendar/Query Free and Busy Times
cancel a meeting = google-calendar/Delete an Event
reschedule an event = google-calendar/Update an Event, google-calendar/Patch an Event, google-calendar/Move an Event
change the time of an appointment = google-calendar/Update an Event, google-calendar/Patch an Event, \
google-calendar/Move an Event
list my calenders = google-calendar/List Calendars
which calendars do i have = google-calendar/List Calendars
show recent charges = stripe/List Payment Intents
list payments = stripe/List Payment Intents
recent stripe transactions = stripe/List Payment Intents
refund a payment = stripe/Create a Refund
give a customer their money back = stripe/Create a Refund
charge a customer = stripe/Create a Payment Intent
take a payment = stripe/Create a Payment Intent
add a new client = stripe/Create a Customer, hub-spot/Create a Contact, hub-spot/Upsert HubSpot Contact
find a customer = stripe/List Customers, stripe/Retrieve a Customer
custommers = stripe/List Customers
change a customer's email address = stripe/Update a Customer
delete a customer = stripe/Delete a Customer
who am i on github = github/Get the Authenticated User
my github profile = github/Get the Authenticated User
list my repos = github/List Repositories for the Authenticated User
github repositories = github/List Repositories for the Authenticated User
open a bug report on github = github/Create an Issue
report a bug = github/Create an Issue, linear/Create an Issue
open issues in a repo = github/List Repository Issues, github/Search Issues and Pull Requests
find pull requests = github/Search Issues and Pull Requests
read a file from a repository = github/Get Repository Content
comment on an issue = github/Create an Issue Comment, linear/Create a Comment
close a github issue = github/Update an Issue
diff two branches = github/Compare Two Commits
find contact = hub-spot/Search Contacts, hub-spot/List Contacts, hub-spot/Get a Contact, hub-spot/Search Objects
look up a person in hubspot = hub-spot/Search Contacts, hub-spot/List Contacts, hub-spot/Get a Contact, \
hub-spot/Search Objects
add a lead = hub-spot/Create a Contact, hub-spot/Upsert HubSpot Contact
creat contcat = hub-spot/Create a Contact, hub-spot/Upsert HubSpot Contact, hub-spot/Create a Batch of Contacts
show all deals = hub-spot/List Deals
sales pipeline = hub-spot/List Pipelines, hub-spot/List Deals
move a deal to another stage = hub-spot/Update a Deal
new company = hub-spot/Create a Company
remove a contact = hub-spot/Archive a Contact, hub-spot/Permanently Delete a Contact
update a phone number of a contact = hub-spot/Update a Contact, hub-spot/Upsert HubSpot Contact
write a note in notion = notion/Create a Page, notion/Append Block Children
create a notion doc = notion/Create a Page
find a page = notion/Search by Title, notion/Retrieve a Page
search notion = notion/Search by Title
add text to a page = notion/Append Block Children
read a notion page = notion/Retrieve Block Children, notion/Retrieve a Page
query database = notion/Query a Database, supabase/Run a Query
list database entries = notion/Query a Database
who is in the notion workspace = notion/List Users
comment on a page = notion/Create a Comment
move a ticket to done = linear/Update an Issue, github/Update an Issue
create a ticket in linear = linear/Create an Issue
new linear task = linear/Create an Issue
assign an issue to someone = linear/Update an Issue, github/Update an Issue
my linear tickets = linear/List Issues, linear/Search Issues
linear projects = linear/List Projects
which teams are there = linear/List Teams
search the web = exa/Search the Web
google something = exa/Search the Web
find similar websites = exa/Find Similar Links
look something up online = exa/Search the Web, exa/Answer a Question
generate an image = openai/Create an Image
draw a picture = openai/Create an Image
ask chatgpt = openai/Create a Chat Completion
text to speech = openai/Create Speech
embed a text = openai/Create Embeddings
available gpt models = openai/List Models
add a row = google-sheets/Append Rows, google-sheets/Append Values
append a line to a spreadsheet = google-sheets/Append Rows, google-sheets/Append Values
read cells of a sheet = google-sheets/Get Values, google-sheets/Get Values of Several Ranges
find a spreadsheet = google-sheets/Find Spreadsheets, google-sheets/Get a Spreadsheet
make a new google sheet = google-sheets/Create a Spreadsheet
change a cell = google-sheets/Update Values, google-sheets/Update Values of Several Ranges
spredsheets = google-sheets/Find Spreadsheets, google-sheets/Get a Spreadsheet, google-sheets/Create a Spreadsheet
export a google doc as pdf = google-drive/Export a Document
list files in drive = google-drive/List Files
find a document = google-drive/List Files, notion/Search by Title
upload a file = google-drive/Upload a File, openai/Upload a File
download a file = google-drive/Download a File, openai/Retrieve File Content
share a document with someone = google-drive/Create a Permission
make a folder = google-drive/Create a File or Folder
duplicate a file = google-drive/Copy a File
rename a file = google-drive/Update File Metadata
who has access to a file = google-drive/List Permissions
message the #general channel = slack/Post a Message, slack/Send Slack Message
send a slack dm = slack/Post a Message, slack/Send Slack Message
post to slack = slack/Post a Message, slack/Send Slack Message
slack chanels = slack/List Conversations
read the messages in a channel = slack/Fetch Conversation History
add an emoji to a message = slack/Add a Reaction
react with thumbs up = slack/Add a Reaction
who is in my slack = slack/List Users
edit a slack message = slack/Update a Message
create an invoice = quickbooks/Create an Invoice
bill a client = quickbooks/Create an Invoice, stripe/Create a Payment Intent
unpaid invoices = quickbooks/List Invoices
info about my company = quickbooks/Get Company Info
list supabase projects = supabase/List Projects
run sql = supabase/Run a Query
edge functions = supabase/List All Functions
environment secrets = supabase/List All Secrets
attio records = attio/List Records
create a todo = attio/Create a Task, linear/Create an Issue
people in attio = attio/List Records
meeting notes in attio = attio/List Notes
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody's words, and the actions that do what they want, as `platform/title`."""

    words: str
    meant: frozenset[str]
    platform: str
    """What a model would name, if it names one."""


def _read(line: str) -> Wish:
    words, _, meant = line.partition(" = ")
    actions = meant.split(", ")
    return Wish(words, frozenset(actions), actions[0].partition("/")[0])


WISHES = tuple(_read(line) for line in _WISHES.strip().splitlines())
HELD_OUT = WISHES[2::3]
OTHERS = tuple(wish for at, wish in enumerate(WISHES) if at % 3 != 2)
