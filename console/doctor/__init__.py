"""`exeat doctor`: is this installation well, now? Each check asks a running part and says what to do.

`exeat check` reads settings and files before anything runs; the doctor looks at what is in force. A check is an async
function that gives findings; it never raises, never changes anything, and names no secret.
"""
