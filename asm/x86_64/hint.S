# The rest of co_resume where coroutines are many. Where they are few, their stacks stay in the cache by themselves.
3:  movq %fs:{gate}(%r11), %rax
    cmpq %rax, {resumer}(%rdi)
    jne 9f
    # Programs resume their coroutines in much the same order each time. So the one that was resumed four before is told
    # how far off the stack of this one is, in steps of eight bytes, and this one says where that of the fourth from now
    # was: by then it is in the cache, the saved registers and what lies above them. Who is resumed again and again is
    # told nothing.
    cmpq %rdi, {recent}(%rax)
    je 1b
    movq {context}+{sp}(%rdi), %r8
    movslq {hint}(%rdi), %rdx
    prefetcht0 (%r8,%rdx,8)
    prefetcht0 64(%r8,%rdx,8)
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
