# Begins every switch: the control words go to their place in the picture of switch.S, below the stack pointer, where
# signal handlers leave 128 bytes alone. Reading MXCSR is the slowest part of a switch, so it comes first and
# overlaps with the rest.
    stmxcsr -56(%rsp)
    fnstcw -52(%rsp)
