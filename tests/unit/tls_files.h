/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_TLS_FILES_H
#define TESTS_UNIT_TLS_FILES_H
/* Certificates and keys made for a test, in files of a directory that goes with the process. */
#include <stdbool.h>
#include <openssl/x509.h>

struct tls_files {
	char certificate[256]; /* PEM; of an issued one with its issuer behind it */
	char key[256];
	X509 *x;
	EVP_PKEY *pkey;
};

struct tls_files_wish {
	const char *name;               /* of the files, and CN */
	const char *names;              /* subjectAltName, "DNS:a,IP:b"; NULL: a CA */
	const struct tls_files *issuer; /* NULL: itself */
	bool rsa;                       /* else ECDSA P-256 */
	int from_days, to_days;         /* from now; both 0: from yesterday to in 30 days */
};

void tls_files_make(struct tls_files *f, const struct tls_files_wish *wish);
void tls_files_free(struct tls_files *f);

/* The path of a file in that directory. */
void tls_files_path(char out[256], const char *name);

/* Another directory in it, made. */
void tls_files_directory(char out[256], const char *name);

/* The certificate alone, in a file of this name there. */
void tls_files_place(const char *name, const struct tls_files *f);

/* Write f's certificate file again, with this issuer's behind its own. */
void tls_files_chain(const struct tls_files *f, const struct tls_files *issuer);

/* A file there with these bytes. */
void tls_files_write(const char *path, const void *bytes, size_t len);

/* One for "sim.example" and 127.0.0.1, signed by itself: made once. */
const struct tls_files *tls_files_usual(void);

#endif
