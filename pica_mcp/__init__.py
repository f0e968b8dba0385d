"""pica-mcp: the actions of a Pica account as MCP tools, scoped to one identity.

The map of the rooms, outer ring first, with what each may import of the others; a test compares it with the code.

    room         what it is                                                  may import
    -----------  ----------------------------------------------------------  ------------------------------------------
    cli          commands, one file each; the only room that prints          hosting settings sandbox errors
    hosting      transports: how a client reaches the server                 server app settings
    server       MCP handlers and change notices; a boundary around each     app watch resources discovery access text errors
    app          opens everything in order, closes it in reverse             watch completions pipeline toolbox resources discovery catalog api access settings sandbox
    watch        follows the account and tells what changed                  toolbox resources catalog access errors
    completions  what the variables of a resource's URI may be               resources discovery catalog access text models errors
    settings     flags, environment, default; the only one to read those     access models errors
    sandbox      a pretend Pica; imports nothing of ours
    pipeline     the line that every call travels                            toolbox discovery results schemas catalog api passthrough access tools models errors
    toolbox      per caller: the list of tools, and name to tool             discovery schemas naming catalog access tools text models errors
    discovery    the fixed tools                                             results schemas naming catalog kept access tools text models errors
    resources    what can be read                                            discovery catalog kept access text models errors
    results      response or error as a tool result, bounded                 passthrough access text models errors
    schemas      arguments as portable JSON Schema, and their check          passthrough tools text models errors
    naming       an action's name as a tool                                  text models
    catalog      what exists now; loaded once, kept, joined to ids           kept api access text models errors
    kept         one value from upstream: single flight, kept, served stale  errors
    api          the only door to the network                                passthrough retries access text models errors
    passthrough  action, connection and arguments as the request to send     tools text models errors
    retries      whether to try again, and after how long
    access       who may do what through which connection                    text models errors
    tools        what a tool is: definition, and how arguments become a call  models
    text         every string from outside, made safe to show
    models       frozen records of Pica's rows
    errors       what can go wrong, split by who can act
"""

__version__ = "0.1.0"
