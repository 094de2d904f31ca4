// Functions without frame pointers that call back.

#include <stdint.h>

typedef void (*callback)(void *);

// Leaves the frame pointer of its caller in the register. The caller then seems to have called nothing.
void plain(callback call, void *data) {
    call(data);
    __asm__ volatile("" ::: "memory");
}

// Calls itself, so that several frames have no frame pointer.
void nested(callback call, void *data, int depth) {
    if (depth > 0) {
        nested(call, data, depth - 1);
    } else {
        call(data);
    }
    __asm__ volatile("" ::: "memory");
}

// Calls back with this value in the frame-pointer register, as a compiler does that uses it for something else. A debug
// build of gcc could not express this in C.
#if defined(__x86_64__)
__asm__(".text\n"
        ".globl clobbering\n"
        ".type clobbering, @function\n"
        "clobbering:\n"
        ".cfi_startproc\n"
        "pushq %rbp\n"
        ".cfi_def_cfa_offset 16\n"
        ".cfi_offset %rbp, -16\n"
        "movq %rdx, %rbp\n"
        "movq %rdi, %rax\n"
        "movq %rsi, %rdi\n"
        "callq *%rax\n"
        "popq %rbp\n"
        ".cfi_restore %rbp\n"
        ".cfi_def_cfa_offset 8\n"
        "retq\n"
        ".cfi_endproc\n"
        ".size clobbering, .-clobbering\n"
        ".section .note.GNU-stack,\"\",@progbits\n"
        ".text\n");
#elif defined(__aarch64__)
__asm__(".text\n"
        ".globl clobbering\n"
        ".type clobbering, %function\n"
        "clobbering:\n"
        ".cfi_startproc\n"
        "stp x29, x30, [sp, #-16]!\n"
        ".cfi_def_cfa_offset 16\n"
        ".cfi_offset 29, -16\n"
        ".cfi_offset 30, -8\n"
        "mov x29, x2\n"
        "mov x9, x0\n"
        "mov x0, x1\n"
        "blr x9\n"
        "ldp x29, x30, [sp], #16\n"
        ".cfi_restore 29\n"
        ".cfi_restore 30\n"
        ".cfi_def_cfa_offset 0\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size clobbering, .-clobbering\n");
#endif
