"""What people and agents ask for in words of their own, and the actions of the sandbox that do it.

Whoever wrote them had not seen the words that the search knows as alike. The second half, every second one, is held
out: nothing is to be tuned on it.
"""

from __future__ import annotations

from dataclasses import dataclass

_LINES = """\
shoot an email to my landlord = gmail/Send Message, gmail/Send Email
tell the accountant by emial that the papers are signed = gmail/Send Message, gmail/Send Email
any new mail from my boss today? = gmail/List Messages, gmail/Get Emails
unread stuff in my inbox = gmail/List Messages, gmail/Get Emails
show me the full text of this mail = gmail/Get Message, gmail/Get Emails
bin that email = gmail/Trash Message
wipe an email for good, no way back = gmail/Delete Message
throw out an old newsletter from my inbox = gmail/Trash Message, gmail/Delete Message
what folders do I have in gmail = gmail/List Labels
which adress am I signed in with on gmail = gmail/Get Profile
mark mail as read = gmail/Modify Message Labels
star an email = gmail/Modify Message Labels
write a reply to an email but don't send it yet = gmail/Create Draft
let the team know on slack that we shipped = slack/Post a Message, slack/Send Slack Message
slack dm to bob = slack/Post a Message, slack/Send Slack Message
what channels are there in slack? = slack/List Conversations
what did people say in #general yesterday = slack/Fetch Conversation History
catch me up on a slack chanel = slack/Fetch Conversation History
who is in our slack workspace = slack/List Users
slack id of a colleague = slack/List Users
fix a typo in what I posted on slack = slack/Update a Message
take back something I said on slack = slack/Delete a Message
give a post a thumbs up = slack/Add a Reaction
respond with an emoji = slack/Add a Reaction
register a new buyer in stripe = stripe/Create a Customer
all our stripe clients = stripe/List Customers
pull up one stripe client by id = stripe/Retrieve a Customer
change a client's billing email in stripe = stripe/Update a Customer
give a shopper their money back = stripe/Create a Refund
reverse a stripe charge = stripe/Create a Refund
take 50 euros from someone's card with stripe = stripe/Create a Payment Intent
what money came in this week, stripe = stripe/List Payment Intents
erase a person from stripe = stripe/Delete a Customer
who am I on github? = github/Get the Authenticated User
which repos do I own = github/List Repositories for the Authenticated User
how many stars does our repo have = github/Get a Repository
read the readme of an open source project = github/Get Repository Content
show the source code of one module in the repo = github/Get Repository Content
diff between two branches = github/Compare Two Commits
what changed in the code since the last release tag = github/Compare Two Commits
open bugs in our repo = github/List Repository Issues, github/Search Issues and Pull Requests
file a bug against our repo = github/Create an Issue
close a github ticket = github/Update an Issue
hand a github bug over to someone else = github/Update an Issue
stop people from replying to a heated github thread = github/Lock an Issue
PRs waiting for my review = github/Search Issues and Pull Requests
answer someone on a gihtub bug report = github/Create an Issue Comment
what did people say under a github ticket = github/List Issue Comments
take back my remark in a github thread = github/Delete an Issue Comment
which fields does a company have in attio = attio/List Attributes
add a custom column to people in attio = attio/Create an Attribute
what type is this attio field = attio/Get an Attribute
what kinds of things do we keep in attio = attio/List Objects
how is the deals type set up in attio = attio/Get an Object, attio/List Attributes
all the lists in our attio workspace = attio/List Lists
find people in attio who live in Berlin = attio/List Records
put a new company into attio = attio/Create a Record, attio/Assert a Record
attio upsert person by email = attio/Assert a Record
open one person's attio profile = attio/Get a Record
drop a company from attio = attio/Delete a Record
what have we jotted down about this customer in attio? = attio/List Notes
write down what was said on the call, attio = attio/Create a Note
my open todos in attio = attio/List Tasks
attio reminder to call Bob back on Monday = attio/Create a Task
which calendars can I see = google-calendar/List Calendars
make a separate calender for the football club = google-calendar/Create a Calendar
remove everything from my main calendar = google-calendar/Clear a Primary Calendar
when are Anna and Tom both free? = google-calendar/Query Free and Busy Times
am I busy on friday afternoon = google-calendar/Query Free and Busy Times, google-calendar/List Events
what's on my agenda today = google-calendar/List Events
where does the 3 o'clock meeting take place = google-calendar/Get an Event, google-calendar/List Events
every date of the weekly standup = google-calendar/List Instances of an Event
book a meeting with Sara tommorow at 3 = \
google-calendar/Insert an Event, google-calendar/Create Event, google-calendar/Quick Add an Event
put the dentist in my calendar = \
google-calendar/Insert an Event, google-calendar/Create Event, google-calendar/Quick Add an Event
push the meeting back by an hour = google-calendar/Patch an Event, google-calendar/Update an Event
invite one more guest to a meeting that is already planned = \
google-calendar/Patch an Event, google-calendar/Update an Event
call off tomorrow's meeting = google-calendar/Delete an Event
appointment straight from a sentence like "lunch with Kim friday noon" = google-calendar/Quick Add an Event
transfer an appointment to my work calendar = google-calendar/Move an Event
overwrite a whole google calendar entry = google-calendar/Update an Event
where did I save the contract pdf in google drive = google-drive/List Files
who owns this google doc and when was it changed = google-drive/Get File Metadata
how much cloud storage do I have left = google-drive/Get Information about the Account
pull a zip out of google drive onto my machine = google-drive/Download a File
save a google doc as pdf = google-drive/Export a Document
small preview picture of a pdf = google-drive/Get a Thumbnail
make a new directory in drive = google-drive/Create a File or Folder
put this photo on google drive = google-drive/Upload a File
duplicate a google doc = google-drive/Copy a File
give a google doc another name = google-drive/Update File Metadata
put a drive document into a different folder = google-drive/Update File Metadata
remove a document from google drive for good = google-drive/Delete a File
purge all I have thrown away in drive = google-drive/Empty the Trash
who can see this google doc? = google-drive/List Permissions
share a google doc with my boss = google-drive/Create a Permission
take away his acess to my drive folder = google-drive/Delete a Permission
start a fresh google sheet = google-sheets/Create a Spreadsheet
which tabs does this workbook have = google-sheets/Get a Spreadsheet, google-sheets/Find Spreadsheets
only the parts of a google sheet that match a filter = google-sheets/Get a Spreadsheet by Data Filter
make the header row of my spredsheet bold = google-sheets/Batch Update a Spreadsheet
add a tab to a google sheet = google-sheets/Batch Update a Spreadsheet
duplicate a tab into a different google sheets document = google-sheets/Copy a Sheet to Another Spreadsheet
read cells A1 to C10 = google-sheets/Get Values
read two separate blocks of cells in one go = google-sheets/Get Values of Several Ranges
change what is in cell B7 = google-sheets/Update Values
fill many blocks of cells at once = google-sheets/Update Values of Several Ranges
put a row into my sheet = google-sheets/Append Values, google-sheets/Append Rows
log today's expenses as a new line in the spreadsheet = google-sheets/Append Values, google-sheets/Append Rows
blank out some cells = google-sheets/Clear Values
where is my budget spreadsheet? = google-sheets/Find Spreadsheets, google-drive/List Files
find the meeting minutes in notion = notion/Search by Title
write a new doc in notion = notion/Create a Page
read the body of a notion doc = notion/Retrieve Block Children
who created this notion doc and when? = notion/Retrieve a Page
set status to done in notion = notion/Update Page Properties
move a notion doc to the bin = notion/Archive a Page
add a paragraph at the bottom of a notoin doc = notion/Append Block Children
take one paragraph out of a notion page = notion/Delete a Block
which entries in my notion table are overdue = notion/Query a Database
what columns does the notion table have = notion/Retrieve a Database
set up a new table in notion = notion/Create a Database
people in our notion workspace = notion/List Users
what integration am I connected to notion as = notion/Retrieve the Bot User
feedback left on a notion page = notion/List Comments
leave a remark on a notion doc = notion/Create a Comment
everyone in our hubspot address book = hub-spot/List Contacts
pull up one person's hubspot entry = hub-spot/Get a Contact
put a new lead into hubspot = hub-spot/Create a Contact, hub-spot/Upsert HubSpot Contact
change someone's phone number in hubspot = hub-spot/Update a Contact, hub-spot/Upsert HubSpot Contact
take a person out of hubspot = hub-spot/Archive a Contact, hub-spot/Permanently Delete a Contact
all firms we have in hubspot = hub-spot/List Companies
what do we know about one firm in hubspot = hub-spot/Get a Company
add an organisation to hubspot = hub-spot/Create a Company
drop a firm from hubspot = hub-spot/Archive a Company
sales we are still working on, hubspot = hub-spot/List Deals, hub-spot/Search Objects
how much is this hubspot opportunity worth? = hub-spot/Get a Deal
new sales opportunity hubpsot = hub-spot/Create a Deal
mark a hubspot opportunity as won = hub-spot/Update a Deal
find someone in hubspot by email = hub-spot/Search Contacts, hub-spot/Search Objects
which hubspot companies are in Berlin = hub-spot/Search Objects
fetch twenty people from hubspot by their ids = hub-spot/Read a Batch of Contacts
import 50 people into hubspot at once = hub-spot/Create a Batch of Contacts
gdpr right to be forgotten = hub-spot/Permanently Delete a Contact
which deals belong to this hubspot company = hub-spot/List Associations
link a person to their employer in hubspot = hub-spot/Create a Default Association
unlink a person from a hubspot company = hub-spot/Remove Associations
log what we discussed with a client, hubspot = hub-spot/Create a Note
hubspot deal stages = hub-spot/List Pipelines
newest tickets in linear = linear/List Issues
show linear ticket ENG-123 = linear/Get an Issue
dig up linear tickets about login = linear/Search Issues
which squads exist in linear = linear/List Teams
larger undertakings running in linear right now = linear/List Projects
who am I logged in as, linear = linear/Get the Viewer
report a bug in linear = linear/Create an Issue
move a linear ticket to done = linear/Update an Issue
reassign a linear ticket to Maria = linear/Update an Issue
put a finished linear ticket away, I may want it back = linear/Archive an Issue
get rid of a linear ticket forever = linear/Delete an Issue
answer in the discussion of a linear ticket = linear/Create a Comment
what backends do we run on supabase = supabase/List Projects
is my postgres backend healthy? = supabase/Get a Project, supabase/List Projects
put an idle postgres backend to sleep = supabase/Pause a Project
wake up a paused postgres backend = supabase/Restore a Project
run some sql against my postgres tables = supabase/Run a Query
which environment variables are set on the backend = supabase/List All Secrets
store an api key for my edge functions = supabase/Bulk Create Secrets
remove old env vars = supabase/Bulk Delete Secrets
what edge functions are live = supabase/List All Functions
push new edge code live = supabase/Deploy a Function
call my edge function = supabase/Trigger a Function
is logo.png already in the bucket? = supabase/Check whether an Object exists
look something up on the internet = exa/Search the Web
recent news articles about fusion energy online = exa/Search the Web
scrape the text of a few urls = exa/Get Contents
sites like this one = exa/Find Similar Links
ask exa how tall the eiffel tower is = exa/Answer a Question
which recuring web searches did I set up = exa/List Monitors
search the web for competitor news again every week = exa/Create a Monitor
what did the last scheduled web search turn up = exa/Get a Monitor Run
settings of one scheduled web search = exa/Get a Monitor
stop watching a topic in exa = exa/Delete a Monitor
which gpt versions can I use? = openai/List Models
info about gpt-4o = openai/Retrieve a Model
ask chatgpt to summarise this text = openai/Create a Chat Completion
have gpt translate a sentance = openai/Create a Chat Completion
turn text into vectors = openai/Create Embeddings
draw a picture of a cat = openai/Create an Image
save the picture the ai drew = openai/Download an Image
read this text aloud = openai/Create Speech
what have I uploaded to openai so far = openai/List Files
send training data to openai = openai/Upload a File
see what is inside a jsonl I gave to openai = openai/Retrieve File Content
remove an old dataset from openai = openai/Delete a File
our legal name and address as in quickbooks = quickbooks/Get Company Info
who still owes us money in quickbooks = quickbooks/List Invoices
what does invoice 1043 in quickbooks say = quickbooks/Get an Invoice
bill a client via quickbooks = quickbooks/Create an Invoice
correct a mistake in a quickbooks invoice = quickbooks/Update an Invoice
leave a private remark on a quickbooks invoice = quickbooks/Write a Note on an Invoice, quickbooks/Update an Invoice
"""
"""One query a line, then ` = ` and all actions, as `platform/title`, that a fair judge would take for it."""


@dataclass(frozen=True, slots=True)
class Paraphrase:
    """A query, the actions that do what it asks, any of which will do, and whether it is held out."""

    query: str
    answers: frozenset[str]
    held_out: bool


def _read(number: int, line: str) -> Paraphrase:
    query, answers = line.split(" = ")
    return Paraphrase(query, frozenset(answers.split(", ")), held_out=number % 2 == 1)


PARAPHRASES: tuple[Paraphrase, ...] = tuple(_read(number, line) for number, line in enumerate(_LINES.splitlines()))
