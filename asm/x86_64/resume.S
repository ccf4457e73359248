# co_resume(rdi: *mut Coroutine), when nothing but the stack, errno and the hook word must change hands.
#
# That is so when the coroutine is open, to the gate that the thread has: it is at home here, suspended, on a stack of its
# own. A thread with more to do has a null gate, and one that learns in which order they are resumed has none that is
# near: see hint.S.
    testq %rdi, %rdi
    je 9f
    movq colib_thread@GOTTPOFF(%rip), %r11
    movq %fs:{near_gate}(%r11), %rax
    cmpq %rax, {resumer}(%rdi)
    jne 10f
    # What is known of the one that comes fourth from now is fetched: the saved registers and what lies above them.
1:  movq {context}+{sp}(%rdi), %r8
    movslq {hint}(%rdi), %rdx
    prefetcht0 (%r8,%rdx,8)
    prefetcht0 64(%r8,%rdx,8)
    movq {current}(%rax), %rsi
    movq %rsi, {resumer}(%rdi)
