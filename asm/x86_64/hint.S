# The rest of co_resume while hints are learned.
10: movq %fs:{gate}(%r11), %rax
    cmpq %rax, {resumer}(%rdi)
    jne 9f
    decq {lessons}(%rax)
    jne 11f
    # It was the last.
    movq %rax, %fs:{near_gate}(%r11)
    # Programs resume their coroutines in much the same order each time. So the one that was resumed four before is told
    # how far off the stack of this one is, in steps of eight bytes. Who is resumed again and again is told nothing.
11: cmpq %rdi, {recent}(%rax)
    je 1b
    movq {context}+{sp}(%rdi), %r8
    movq {recent}+24(%rax), %rdx
    movq {recent}+16(%rax), %rcx
    movq %rcx, {recent}+24(%rax)
    movq {recent}+8(%rax), %rcx
    movq %rcx, {recent}+16(%rax)
    movq {recent}(%rax), %rcx
    movq %rcx, {recent}+8(%rax)
    movq %rdi, {recent}(%rax)
    subq {context}+{sp}(%rdx), %r8
    sarq $3, %r8
    movl %r8d, {hint}(%rdx)
    jmp 1b
