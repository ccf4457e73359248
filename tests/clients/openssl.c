/* OpenSSL: connects with a BIO, checks the certificate, sends a line and reads it back reversed after 0.1 s. Each client has an
 * `openssl s_server` of its own, on consecutive ports, because one of them serves one connection at a time. */
#include "hundred.h"
#include <openssl/err.h>
#include <openssl/ssl.h>

static SSL_CTX *openssl_context;
static const char *openssl_host;
static int openssl_port, openssl_count;

static int openssl_wrong(int number, const char *step) {
  char reason[256] = "no reason given";
  unsigned long code = ERR_get_error();
  if (code) ERR_error_string_n(code, reason, sizeof reason);
  return wrong(number, "%s: %s", step, reason);
}

static int openssl_client(int number) {
  char address[64], line[64], expected[64], answer[64] = "";
  int length = snprintf(line, sizeof line, "line of client %d\n", number), failed = 0, got = 0;
  for (int i = 0; i < length - 1; i++) expected[i] = line[length - 2 - i];
  strcpy(expected + length - 1, "\n");
  snprintf(address, sizeof address, "%s:%d", openssl_host, openssl_port + number % openssl_count);

  BIO *bio = BIO_new_ssl_connect(openssl_context);
  SSL *ssl = NULL;
  BIO_get_ssl(bio, &ssl);
  BIO_set_conn_hostname(bio, address);
  if (BIO_do_connect(bio) <= 0) failed = openssl_wrong(number, "connect");
  else if (BIO_do_handshake(bio) <= 0) failed = openssl_wrong(number, "handshake");
  else if (SSL_get_verify_result(ssl) != X509_V_OK) failed = wrong(number, "certificate: %ld", SSL_get_verify_result(ssl));
  else if (BIO_write(bio, line, length) != length) failed = openssl_wrong(number, "write");
  else {
    while (got < length) {
      int more = BIO_read(bio, answer + got, (int)sizeof answer - 1 - got);
      if (more <= 0) break;
      got += more;
    }
    answer[got] = 0;
    if (strcmp(answer, expected)) failed = wrong(number, "answered \"%s\"", answer);
    SSL_shutdown(ssl);
  }
  BIO_free_all(bio);
  return failed;
}

static void openssl_prepare(void) {
  openssl_host = hundred_setting("SERVER_HOST");
  openssl_port = atoi(hundred_setting("TLS_PORT"));
  openssl_count = atoi(hundred_setting("TLS_COUNT"));
  openssl_context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_verify(openssl_context, SSL_VERIFY_PEER, NULL);
  if (SSL_CTX_load_verify_locations(openssl_context, hundred_setting("TLS_CERT"), NULL) != 1) exit(wrong(0, "no certificate"));
}

HUNDRED(openssl_client, openssl_prepare);
