/* Every library at once: client N is of library N mod 5, all in one thread. */
#define HUNDRED_NO_MAIN
#include "curl.c"
#include "mariadb.c"
#include "openssl.c"
#include "postgres.c"
#include "redis.c"

static int mixed_client(int number) {
  static const hundred_client clients[] = {redis_client, postgres_client, mariadb_client, curl_client, openssl_client};
  return clients[number % 5](number);
}

int main(int argc, char **argv) {
  redis_prepare();
  postgres_prepare();
  mariadb_prepare();
  curl_prepare();
  openssl_prepare();
  return hundred(argc, argv, mixed_client);
}
