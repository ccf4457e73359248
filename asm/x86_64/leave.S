# The rest of co_resume and of the yields: rdi comes, rsi leaves, rax is the scheduler, r11 the thread's words.
# The hook word stays that of the one that leaves until the stack is the other one, and is known anyway (invariant 12).
    movq %rdi, {current}(%rax)
    movq {errno_place}(%rax), %r9
    movl (%r9), %ecx
    movl {errno}(%rdi), %edx
    movl %ecx, {errno}(%rsi)
    movl %edx, (%r9)
# The switch itself, for {prepare} too.
8:
