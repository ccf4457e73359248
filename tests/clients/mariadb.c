/* libmariadb: a statement that sleeps 0.1 s and answers with its number. */
#include "hundred.h"
#include <mysql.h>

static const char *mariadb_host;
static unsigned mariadb_port;

static int mariadb_client(int number) {
  char text[64], answer[32];
  int failed = 0;
  MYSQL *connection = mysql_init(NULL);
  MYSQL_RES *result = NULL;
  MYSQL_ROW row;
  snprintf(text, sizeof text, "select sleep(0.1), %d", number);
  snprintf(answer, sizeof answer, "%d", number);
  if (!mysql_real_connect(connection, mariadb_host, "root", NULL, NULL, mariadb_port, NULL, 0))
    failed = wrong(number, "connect: %s", mysql_error(connection));
  else if (mysql_query(connection, text) || !(result = mysql_store_result(connection)))
    failed = wrong(number, "select: %s", mysql_error(connection));
  else if (!(row = mysql_fetch_row(result)) || strcmp(row[0], "0") || strcmp(row[1], answer))
    failed = wrong(number, "another's answer");
  mysql_free_result(result);
  mysql_close(connection);
  return failed;
}

static void mariadb_prepare(void) {
  mariadb_host = hundred_setting("SERVER_HOST");
  mariadb_port = (unsigned)atoi(hundred_setting("MARIADB_PORT"));
  mysql_library_init(0, NULL, NULL);
}

HUNDRED(mariadb_client, mariadb_prepare);
