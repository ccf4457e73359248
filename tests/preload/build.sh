# A compiler, a parallel make with its job server, a debugger: programs that spawn, wait and trace. Prints what each step gave.
export LC_ALL=C
cat >hello.c <<'END'
#include <stdio.h>
#include <unistd.h>
int main(void) {
  int step = 0;
  step++;
  printf("step %d of a compiled program\n", step);
  return 3;
}
END
cat >Makefile <<'END'
all: $(addsuffix .out,a b c d e f)
%.out:
	@sleep 0.05; echo made $@ >$@
check: all
	@$(MAKE) --no-print-directory inner
inner:
	@cat a.out f.out
fails:
	@exit 4
END
${CC:-cc} -pipe -g -O0 hello.c -o hello && ./hello; echo "ran: $?"
${CC:-cc} -c nothing.c 2>/dev/null; echo "no input: $?"
make -j4 check; echo "make: $?"
make fails; echo "make: $?"
gdb -nx -q -batch -ex 'set debuginfod enabled off' -ex 'break main' -ex run -ex 'next' -ex 'next' -ex 'print step' -ex 'continue' ./hello 2>/dev/null |
  sed -n 's/^\(\$1 = .*\|\[Inferior.*exited.*\)/\1/p' | sed 's/process [0-9]*/process/'
