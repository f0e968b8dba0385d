"""pica-mcp: the actions of a Pica account as MCP tools, scoped to one identity.

The map of the rooms, outer ring first, with what each may import of the others; a test compares it with the code.

    room         what it is                                                  may import
    -----------  ----------------------------------------------------------  ------------------------------------------
    cli          commands, one file each; the only room that prints          hosting diagnosis app installation clients settings sandbox usage toolbox discovery results schemas documents accounts catalog explanation findings consent audit access tools text models errors
    diagnosis    what is wrong with a set-up, for whoever set it up          app clients settings toolbox catalog api explanation findings consent audit secret access text models errors
    hosting      transports: how a client reaches the server                 server front app settings
    server       greets clients; a boundary around each handler              answers app access errors
    answers      MCP handlers and change notices                             app person watch resources discovery consent access errors
    person       the person before the client, asked in both eras            consent models errors
    app          opens everything in order, closes it in reverse             front watch completions prompts pipeline toolbox resources discovery results files store catalog api limits audit access settings sandbox
    front        what is settled before a client is greeted                  settings audit secret access errors sandbox
    watch        follows the account and tells what changed                  toolbox resources catalog access errors
    completions  what variables of URIs and arguments of prompts may be      prompts resources discovery catalog accounts access text models errors
    prompts      ready-made requests to pick from a menu                     discovery catalog accounts access text errors
    installation this server put into a client's file, or taken out of it    clients settings audit secret text errors
    settings     flags, environment, file, default; the only one to read them consent secret access effects patterns tools text errors
    sandbox      a pretend Pica; imports nothing of ours
    pipeline     the line that every call travels                            toolbox discovery results schemas arguments consent catalog api limits audit files passthrough accounts access effects tools models errors
    explanation  what an identity may do, why not the rest, for its operator findings discovery consent catalog accounts access effects text models errors
    usage        what the record of calls tells: who used what, what failed  audit access text models
    toolbox      per caller: the list of tools, and name to tool             discovery schemas documents catalog accounts access effects patterns tools text models errors
    discovery    the fixed tools                                             results schemas arguments documents naming catalog kept files passthrough accounts access spelling tools text models errors
    resources    what can be read                                            discovery catalog kept store accounts access text models errors
    findings     what is set in vain: parts of settings that fit nothing     accounts access effects patterns text models errors
    consent      when a person is asked, what, and what the answer is for    passthrough access tools text models errors
    results      response or error as a tool result, bounded                 files store passthrough access tools text models errors
    schemas      an action's arguments as portable JSON Schema               arguments documents passthrough tools text models
    naming       an action's name as a tool                                  text models
    catalog      what exists now; kept on disk, joined to ids, found by words kept api documents spelling access text models errors
    kept         one value from upstream: single flight, kept, served stale  errors
    files        what an argument that takes a file means, and where to save store passthrough access tools text models errors
    store        answers too long to show, kept for a while                  access errors
    api          the only door to the network                                passthrough retries secret hiding access text models errors
    passthrough  action, connection and arguments as the request to send     tools brackets text models errors
    retries      whether to try again, and after how long
    secret       the account's key: read when needed, anew when refused       errors
    hiding       what nobody may read, out of answers in every spelling
    limits       how much at once                                            errors
    audit        one line for each call                                      access text models errors
    accounts     which account: what people call theirs, and what is meant   access text models errors
    access       who may do what through which connection                    effects patterns text models errors
    arguments    arguments against a schema: checked, and made what is meant text models errors
    documents    Pica's Markdown: its sections, and what it says of a request tools text models
    effects      what a call does: read, write, destroy                      graphql patterns tools brackets models
    graphql      what a GraphQL document does, as far as that is sure
    patterns     which actions an operator means                             models
    tools        what a tool is: definition, and how arguments become a call  brackets models errors
    brackets     names as providers read them: `mail[trashed]`, ` _method`   models
    spelling     words of titles, keys and queries; which are nearly alike   text
    clients      MCP clients: where each keeps its servers, what it takes    text errors
    errors       what can go wrong, split by who can act                      text
    text         every string from outside, made safe to show
    models       frozen records of Pica's rows
"""

__version__ = "0.1.0"
