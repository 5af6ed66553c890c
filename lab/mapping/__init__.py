"""A Lambda event source mapping for Kinesis and DynamoDB streams, as AWS documents it, in one deterministic engine.

No emulator maps a stream to a function faithfully: partial failures, bisecting, retry and age limits and failure
destinations are ignored, so a pipeline tested on one passes while records are lost. This engine follows the documented
rules, each cited where it is applied; time and chance are passed in, and one seed replays exactly one schedule.

    declaration    the mapping's settings, from the template's words, refused where AWS would refuse them
    template       finds the declarations in a SAM template
    source         what the engine asks of a stream, and the shape of a record in an event
    filters        FilterCriteria
    batches        how records become batches
    answers        what the function's answer says about the batch
    shard_reader   one shard: reading, lanes, retries, progress
    engine         one mapping: shards, turns, steps
    destinations   where discarded batches go
    faults         what can be made to go wrong
    simulation     drives engines in time that is not the machine's
    pump           drives engines in the background
"""
