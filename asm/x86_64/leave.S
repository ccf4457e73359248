# The rest of co_resume and of the yields: rdi leaves, rsi comes, rax is the scheduler, r11 the thread's words.
# The hook word is zero from here until the stack is the other one (switch.S).
    movq %fs:(%r11), %rcx
    movq $0, %fs:(%r11)
    movl %ecx, {context}+{word}(%rdi)
    movq %rsi, {current}(%rax)
    movq {errno_place}(%rax), %r9
    movl (%r9), %ecx
    movl {errno}(%rsi), %edx
    movl %ecx, {errno}(%rdi)
    movl %edx, (%r9)
# The switch itself, for {prepare} too.
8:
