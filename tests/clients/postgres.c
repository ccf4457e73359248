/* libpq: a statement that sleeps 0.1 s and answers with its parameter. */
#include "hundred.h"
#include <libpq-fe.h>

static char postgres_settings[256];

static int postgres_client(int number) {
  char text[32];
  const char *parameters[] = {text};
  int failed = 0;
  PGconn *connection = PQconnectdb(postgres_settings);
  if (PQstatus(connection) != CONNECTION_OK) {
    failed = wrong(number, "connect: %s", PQerrorMessage(connection));
    PQfinish(connection);
    return failed;
  }
  snprintf(text, sizeof text, "%d", number);
  PGresult *result = PQexecParams(connection, "select pg_sleep(0.1), $1::int", 1, NULL, parameters, NULL, NULL, 0);
  if (PQresultStatus(result) != PGRES_TUPLES_OK) failed = wrong(number, "select: %s", PQerrorMessage(connection));
  else if (PQntuples(result) != 1 || strcmp(PQgetvalue(result, 0, 1), text)) failed = wrong(number, "another's answer");
  PQclear(result);
  PQfinish(connection);
  return failed;
}

static void postgres_prepare(void) {
  snprintf(postgres_settings, sizeof postgres_settings, "host=%s port=%s user=tester dbname=postgres", hundred_setting("SERVER_HOST"),
           hundred_setting("POSTGRES_PORT"));
}

HUNDRED(postgres_client, postgres_prepare);
