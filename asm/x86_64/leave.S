# The rest of co_resume and of the yields: rdi comes, rsi leaves, rax is the scheduler, r11 the thread's words.
# The hook word stays that of the one that leaves until the stack is the other one, and is known anyway (invariant 12).
    movq %rdi, {current}(%rax)
    movq {errno_place}(%rax), %r9
    movl (%r9), %ecx
    movl {errno}(%rdi), %edx
    # Few calls fail, so mostly it is what it was when this one last left.
    cmpl %ecx, {errno}(%rsi)
    jne 2f
3:  movl %edx, (%r9)
# The switch itself, for {prepare} too.
8:
