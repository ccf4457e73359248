// A million threads, one after another, each of which uses what a thread has of its own; and what stays behind of them.
// Usage: leaks joined|detached|mixed FEW MANY     prints by how many kilobytes memory grew from the FEWth to the MANYth
#include <dlfcn.h>
#include <locale.h>
#include <netinet/in.h>
#include <pthread.h>
#include <resolv.h>
#include <semaphore.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

extern "C" unsigned arc4random() noexcept __attribute__((weak)); // glibc has it since 2.36
static pthread_key_t key, rarely_used;
static sem_t ended;
static long destroyed, mistakes;
static __thread char zeroed[300];
struct Holder {
  std::string text = std::string(100, 'x');
  ~Holder() { destroyed++; }
};
static thread_local Holder holder;

static void destroy(void *value) {
  free(value);
  destroyed++;
}
static void end(void *value) {
  if (value) sem_post(&ended);
}
static void *uses_what_it_has(void *number) {
  void *blocks[12];
  for (size_t i = 0; i < 12; i++) memset(blocks[i] = malloc(24 + i * i * 40), 1, 24);
  for (void *block : blocks) free(block);
  for (char byte : zeroed) mistakes += byte != 0;
  memset(zeroed, 1, sizeof zeroed);
  holder.text += holder.text;
  pthread_setspecific(key, malloc(1000));
  pthread_setspecific(rarely_used, number); // its place is outside of the thread's own block
  if ((long)number % 16 == 0) {
    strerror(1000 + (int)((long)number % 1000)); // texts of the thread's own
    strsignal(1000);
    res_init();                                  // state of the resolver
    if (arc4random) arc4random();                // memory for random numbers
    dlopen("/nonexistent", RTLD_NOW);            // an error of its own, which nobody asks for
    locale_t locale = newlocale(LC_ALL_MASK, "C", nullptr);
    uselocale(locale);
    uselocale(LC_GLOBAL_LOCALE);
    freelocale(locale);
  }
  return number;
}
static void run(const char *how, long from, long to) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  for (long i = from; i < to; i++) {
    pthread_t thread;
    void *result = nullptr;
    bool joined = *how == 'j' || (*how == 'm' && i % 2);
    if (pthread_create(&thread, joined ? nullptr : &attributes, uses_what_it_has, (void *)(i + 1))) exit(3);
    if (joined) mistakes += pthread_join(thread, &result) != 0 || result != (void *)(i + 1);
    while (sem_wait(&ended)) continue;
  }
}
static long resident_kb() {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%*d %ld", &pages) != 1) exit(5);
  fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(int count, char *arguments[]) {
  if (count != 4) return 2;
  long few = atol(arguments[2]), many = atol(arguments[3]);
  sem_init(&ended, 0, 0);
  pthread_key_create(&key, destroy);
  for (int i = 0; i < 40; i++) pthread_key_create(&rarely_used, end);
  run(arguments[1], 0, few);
  long before = resident_kb();
  run(arguments[1], few, many);
  long grown = resident_kb() - before;
  usleep(10000); // the last one that is detached
  printf("grown=%ld destroyed=%ld mistakes=%ld\n", grown, destroyed, mistakes);
}
