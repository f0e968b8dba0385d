"""The words of the room `wording`: what means the same, what is only said of it, what means nothing here. No logic.

Words are lower case and singular. One may stand in several lines; those beside it mean the same to who asks.
"""

READ, MAKE, CHANGE, REMOVE = "read", "make", "change", "remove"
DEEDS = {
    READ: (
        "get read fetch retrieve show view see check download export tell display inspect examine obtain pull grab",
        "list find search query lookup look browse all which what locate discover enumerate overview every",
        "check verify validate confirm test whether",
        "compare diff contrast",
        "count number many",
    ),
    MAKE: (
        "create add new make insert open start book schedule plan generate draw build register setup establish",
        "create write save",
        "create launch begin define prepare raise submit produce introduce",
        "send post write publish notify tell reply compose respond inform forward deliver say announce ping shoot",
        "append add",
        "upload put attach import",
        "run execute trigger invoke call fire launch",
        "deploy publish ship release rollout",
        "copy duplicate clone replicate",
        "create take accept collect",
        "add react",
        "restore resume wake unpause revive recover restart reactivate unarchive",
        "upsert assert ensure merge save",
        "sync synchronize synchronise align reconcile",
        "generate paint sketch illustrate",
    ),
    CHANGE: (
        "update edit change modify patch set rename adjust correct replace move mark assign close finish reschedule",
        "update edit change modify patch alter amend revise tweak fix complete reassign postpone delay reopen flag",
        "replace overwrite swap substitute",
        "move transfer shift relocate switch",
        "lock freeze",
        "pause suspend stop halt hibernate sleep disable",
        "merge combine",
        "convert turn transform",
    ),
    REMOVE: (
        "delete remove erase trash destroy drop discard throw archive cancel",
        "delete remove bin scrap ditch dump kill retract withdraw unsend cut detach unlink",
        "clear empty purge wipe reset blank",
        "revoke void unshare withdraw",
        "archive shelve retire hide",
    ),
}
THINGS = (
    "email mail message inbox",
    "message chat dm",
    "message reply",
    "channel conversation",
    "event meeting appointment agenda",
    "event today tomorrow yesterday tonight monday tuesday wednesday thursday friday saturday sunday week upcoming",
    "free busy available availability slot",
    "issue ticket bug task todo",
    "comment reply",
    "contact person people lead client",
    "customer client buyer",
    "record person people entry",
    "company organization account business",
    "deal opportunity sale",
    "payment charge transaction",
    "invoice bill",
    "refund reimburse reimbursement money",
    "file document doc attachment",
    "file folder directory",
    "export pdf",
    "permission share sharing access grant invite",
    "metadata name rename",
    "page note doc wiki",
    "block text paragraph content",
    "database table",
    "spreadsheet sheet workbook excel",
    "row record line",
    "value cell range",
    "sql query database",
    "user member people person who",
    "profile viewer authenticated me who account user",
    "repository repo",
    "pr pull merge",
    "branch commit",
    "compare diff difference",
    "web internet online google",
    "link website site url",
    "image picture photo",
    "speech voice audio",
    "chat completion prompt ask gpt chatgpt",
    "model gpt",
    "embedding embed vector",
    "emoji reaction thumb react",
    "secret env environment credential",
    "label tag",
    "answer ask question",
    "trash bin rubbish garbage",
    "color colour",
    "folder directory",
    "archive archived",
    "share shared",
    "organization organisation",
    "group team",
    "task reminder",
    "sheet tab",
    "history revision log",
    "association relation relationship link connection",
    "secret key token",
    "function lambda",
    "monitor watch alert",
    "speech narration mp3",
    "calendar diary",
    "booking reservation",
    "delivery shipment",
    "expense cost",
    "webhook hook callback",
    "alert notification alarm warning",
    "article post story",
    "audience segment",
    "category topic",
    "dashboard overview",
    "device hardware gadget",
    "form survey questionnaire",
    "goal target objective",
    "location place",
    "member participant",
    "product item",
    "quote estimate proposal offer",
    "supplier vendor",
    "subscription membership",
)
TOGETHER = ("channel history message",)
"""What is looked for together, and is not the same."""

HINTS = """
    access: allowed private public right see
    account: full left limit logged quota room signed space storage used who
    answer: ask explain fact reply source why
    append: another below bottom end extra under
    archive: away hide old
    article: post story
    assert: already exist unless
    association: assign attach belong belonging company connect connected connection contact deal disconnect
    association: employer link linked pair relate relation relationship tie tied together work
    attribute: column custom field property schema structure
    audience: reader segment subscriber
    audio: mp3
    authenticated: am handle mine my own owner signed who
    availability: clash conflict free gap slot
    balance: account left money
    batch: bold bulk csv dozen format hundred import list load many mass multiple once several style tab
    batch: together
    block: body bottom bullet checkbox checklist content heading inside line page paragraph section sentence
    block: subheading todo written
    board: kanban tracker
    booking: appointment reservation
    bot: am app integration token using who
    branch: change fork version
    budget: spend spending
    bulk: many mass multiple once several together
    busy: clash conflict free occupied taken
    calendar: agenda day diary shared timetable
    campaign: ad mailing newsletter promotion
    card: dollar euro ticket
    cart: basket
    category: kind topic
    change: audit edit evolved happened history revision touched version
    channel: broadcast everybody group room team
    charge: bill card fee invoice paid payment
    chat: ai answer ask draft essay explain generate gpt idea llm poem question rewrite sentence story summarise
    chat: summarize talk text translate
    clear: blank everything out
    color: colour palette shade tint
    comment: answer discuss discussion feedback leave left mention message note opinion reaction
    comment: remark reply respond said thread wrote
    commit: change changed code push release tag
    company: brand business corporation crm employer firm headquarter organisation our supplier tax they vat
    company: vendor we
    compare: apart between change changed diff difference since versus vs
    completion: ai answer ask essay explain generate gpt idea llm poem question rewrite sentence story summarise
    completion: summarize text translate
    contact: address client colleague crm everybody everyone number people phone prospect someone subscriber
    content: article body code crawl full inside inspect module open page readme say scrape site source text url
    content: written
    contract: agreement deal
    conversation: chat direct discussion group room said talk thread
    copy: another template
    create: file jot leave log need note onboard put record save
    customer: account patron payer people purchaser shopper signed subscriber
    dashboard: board overview
    database: base board column filter schema structure table tracker
    deal: closing contract lost negotiate negotiation pipeline prospect revenue sale stage won works
    default: connect link relate
    delete: expunge forever forget gdpr gone good rid
    delivery: package parcel shipment shipping
    deploy: code live push ship update version
    device: gadget hardware machine phone
    document: contract google letter paper report text
    download: byte copy keep local offline
    draft: before later prepare ready unfinished unsent without yet
    embedding: meaning number search semantic similarity
    empty: everything out permanently
    event: agenda appointment birthday busy calendar call date dinner evening lunch
    event: noon party plan room session slot time tomorrow visit weekend
    exist: already present still there
    expense: cost receipt spending
    export: as convert csv docx excel format pdf save turn word
    field: attribute column property
    file: csv data dataset deck jsonl paper pdf photo picture presentation report slide spreadsheet training
    file: upload
    filter: condition criterion matching
    find: by locate look someone where
    fine: custom own trained
    folder: directory path
    form: questionnaire survey
    free: available everybody gap open overlap
    function: code edge endpoint http lambda run script serverless
    get: detail particular setting
    goal: objective target
    group: team
    guide: manual tutorial
    history: catch conversation discuss discussion earlier happened missed past read recent said say scroll talk
    history: talked wrote yesterday
    image: art avatar banner cat design drawing graphic illustrate illustration logo photo visual
    info: address detail headquarter legal name tax vat
    information: detail full how much storage
    insert: put
    instance: each occurrence recurring repeat repeating series weekly
    intent: came card checkout collect dollar euro income money paid pay revenue
    invoice: bill client consulting debtor due hour money outstanding overdue owe owed paid
    invoice: receivable receive service unpaid
    issue: assigned backlog card crash defect feature priority problem report request sprint story urgent work
    item: product
    key: token
    label: category flag folder group mark star starred tag
    lead: prospect
    ledger: bookkeeping
    like: related
    link: connect like page related resemble
    list: available everybody everyone mine where who whole
    location: place site
    lock: comment conversation discussion freeze heated prevent reply stop
    mail: letter newsletter
    member: belong collaborator participant teammate
    message: announcement broadcast dm letter line newsletter note reply sms text word write
    metadata: big created description detail folder info kind modified move own owner size star type who
    milestone: deadline
    model: available llm offer
    modify: archive flag folder important label mark priority spam star tag unread
    monitor: again alert automated automatic daily eye follow inform keep news notify recurring regularly saved
    monitor: scheduled standing subscribe topic track watch week weekly
    move: another different elsewhere organise other
    note: call conversation discussed feedback jot log meeting memo minute record remark spoke summary talked
    note: told write
    object: bucket entity file kind structure table there type
    offer: proposal quote
    order: bought purchase
    owner: account charge colleague manager rep responsible sale sales salesperson team
    page: article doc entry note notebook text wiki write written
    patch: attendee delay guest invite location postpone priority push room
    payment: bought came card checkout collect dollar earned euro income money paid pay purchase revenue sale
    permanently: ever forever gdpr gone good way
    permission: allowed collaborator colleague edit editor invite let link open private public right see share
    permission: stop unshare viewer viewing who
    person: someone
    pipeline: funnel process stage step
    plan: subscription tier
    post: announce
    primary: main my own whole
    product: item
    profile: address am email how logged mine signed total username which who
    project: app backend database initiative instance organisation server site undertaking workspace
    property: assignee attribute checkbox column date due field priority status tag tick
    pull: merge pr review
    query: count select sql statement table
    question: ask fact
    quick: natural phrase plain sentence type write
    quote: estimate offer
    range: area column multiple several
    reaction: clap emoji heart like plus response smile smiley thumb
    read: retrieve
    record: company customer entry firm people person row somebody somewhere
    recurring: periodic regular repeating
    refund: back cancel overcharged pay payback reimburse return reverse wrongly
    reply: answer
    repository: code codebase detail fork language owner project source star
    request: pr review
    restore: again back bring paused sleeping
    result: outcome
    retrieve: detail one particular pull
    run: execute finding found last outcome result select sql turn
    schedule: timetable
    search: about containing filter find look mention named news query research where
    secret: api config credential env key password setting token variable
    send: email mail
    several: few many multiple
    sheet: tab worksheet
    similar: alike competitor like page related resemble same site url
    speech: aloud audio loud mp3 narrate narration paragraph podcast read recording say sound spoken tts
    spreadsheet: budget document file new sheet tab table tracker workbook
    start: change follow
    status: state
    store: shop
    subscription: membership plan
    supplier: vendor
    task: call chore deadline dos follow remind reminder todos
    team: department group squad who
    text: aloud
    thumbnail: cover icon image look preview small
    time: gap when
    title: called name named page
    token: change cursor follow poll since
    transaction: sale
    trash: clean junk recycle rubbish
    trigger: start
    tuned: custom my own trained
    unread: new
    update: address attendee different done guest invite job lost moved new phone priority rename resolve status
    update: tick won
    upload: put save send store
    user: colleague coworker employee everybody everyone guest handle id member name participant person profile
    user: someone staff who
    value: amount area cell column content data entered figure number row what write
    viewer: account am myself who
    web: article find fresh internet latest look news page research site topic
    webhook: callback hook
"""
"""What catalogues call something, and what people say who may mean it."""

PARTED = """
    call off: cancel
    take back: retract
    take down: delete
    take away: revoke
    get rid: delete
    push back: postpone
    put off: postpone
    hand over: assign
    hand to: assign
    throw out: trash
    throw away: trash
    put away: archive
    put into: move
    give me: get
    let know: tell
    make sure: check
    make copy: copy
    take part: member
    sign off: approve
    stop following: unfollow
    mark as: mark
    talk about: discussion
    put back: restore
    bring back: restore
    wake up: restore
    start up: restore
    shut down: pause
    set up: create
    sign up: register
    open up: share
    look up: find
    look for: find
    pull up: show
    bring up: show
    pull out: get
    pay back: refund
    money back: refund
    give back: refund
    paid back: refund
    follow up: task
    note down: note
    write down: note
    jot down: note
    fill in: update
    get back: restore
    turn down: decline
    turn off: disable
    tack on: append
    read out: speech
    hook up: link
    tie to: link
    rule out: remove
    kick off: trigger
    roll out: deploy
    move over: move
    switch over: move
    invite to: invite
    catch up: history
    keep eye: monitor
"""
"""Verbs that mean something else with a word that stands a little behind them."""

IRREGULAR = """
    sent send, made make, wrote write, written write, took take, taken take, drew draw, drawn draw, ran run, got get,
    gave give, given give, held hold, built build, kept keep, lent lend, sold sell, bought buy, began begin,
    begun begin, chose choose, chosen choose, shown show, saw see, seen see, threw throw, thrown throw, met meet,
    hid hide, hidden hide
"""

IDLE = """
    a an the and or of for from in into on to with via using by at my i we i our us your is am are be it its this that s
    please can could would want need how do does some any through over about there have has had if so them they their
    someone somebody something anything recent latest last next now just back another
    but don t doesn isn ve ll re not no yet also only still really very more most here up out off down away stuff thing
    one doe wa ha did do had were been being will would should could might may let us than then else too while as per
    each those these whom whose why
"""
