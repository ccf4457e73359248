#include "core.h"

int main(void) {
  run_core();
  return 0;
}
