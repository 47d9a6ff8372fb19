/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fixed files: the table of a ring, and the requests that put files into it and take them out;
 * messages between rings, which may carry one.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "ring/compat.h"
#include "ring/ring.h"
#include "tests/sim/uring_sim_world.h"

int
uring_register_files(struct uring *u, uint32_t entries)
{
	assert(u->files == NULL);
	if (sim_world->table_max > 0 && entries > sim_world->table_max)
		return -EMFILE;
	u->files = calloc(entries, sizeof(struct sim_file *));
	assert(u->files != NULL);
	u->files_max = entries;
	return 0;
}

void
uring_unregister_files(struct uring *u)
{
	for (uint32_t i = 0; i < u->files_max; i++)
		if (u->files[i] != NULL)
			sim_file_put(u->files[i]);
	free(u->files);
	u->files = NULL;
	u->files_max = 0;
}

void
uring_close_file(struct uring *u, int32_t index)
{
	int result = sim_table_close(u, (uint32_t)index);

	assert(result == 0);
	(void)result;
}

struct sim_file *
sim_table_file(const struct uring *u, uint32_t index)
{
	return index < u->files_max ? u->files[index] : NULL;
}

int
sim_table_open(struct uring *u, struct sim_file *f)
{
	for (uint32_t i = 0; i < u->files_max; i++) {
		if (u->files[i] == NULL) {
			u->files[i] = f;
			return (int)i;
		}
	}
	return -ENFILE;
}

int
sim_table_close(struct uring *u, uint32_t index)
{
	struct sim_file *f = sim_table_file(u, index);

	if (f == NULL)
		return -EBADF;
	u->files[index] = NULL;
	sim_file_put(f);
	return 0;
}

static int
install(struct uring *u, const struct io_uring_sqe *sqe)
{
	int32_t *cell = (int32_t *)(uintptr_t)sqe->addr;
	struct sim_file *f = sim_file_of(*cell);
	int index;

	assert(sqe->len == 1 && sqe->off == IORING_FILE_INDEX_ALLOC);
	if (sim_chance(sim_world->faults.install_error))
		return -ENOMEM;
	if (f == NULL)
		f = sim_file_to_connect(*cell);
	f->references++;
	index = sim_table_open(u, f);
	if (index < 0) {
		sim_file_put(f);
		return index;
	}
	*cell = index;
	return 1;
}

static int
descriptor_for(struct uring *u, const struct io_uring_sqe *sqe)
{
	struct sim_file *f = sim_table_file(u, (uint32_t)sqe->fd);
	int fd;

	assert(sqe->flags == IOSQE_FIXED_FILE && f != NULL);
	f->references++;
	fd = sim_fd_open(f);
	if (fd < 0)
		sim_file_put(f);
	return fd;
}

static int
set_linger(struct uring *u, const struct io_uring_sqe *sqe)
{
	const struct linger *linger = (const struct linger *)(uintptr_t)sqe->addr3;
	struct sim_file *f = sim_table_file(u, (uint32_t)sqe->fd);

	assert(sqe->flags & IOSQE_FIXED_FILE && f != NULL &&
	       sqe->cmd_op == COMPAT_SOCKET_SETSOCKOPT);
	assert(sqe->addr == ((uint64_t)SO_LINGER << 32 | SOL_SOCKET) &&
	       sqe->file_index == sizeof(*linger));
	f->linger_zero = linger->l_onoff && linger->l_linger == 0;
	return 0;
}

static int
shut(struct uring *u, const struct io_uring_sqe *sqe)
{
	struct sim_file *f = sim_table_file(u, (uint32_t)sqe->fd);

	assert(sqe->flags == IOSQE_FIXED_FILE && f != NULL && sqe->len == SHUT_WR);
	sim_shut_write(f);
	return 0;
}

/* A message to another ring, with or without a file. */
static int
message(struct uring *u, const struct io_uring_sqe *sqe)
{
	struct uring *to = sim_world->rings;
	struct sim_file *f;
	int result = (int)sqe->len;

	while (to != NULL && to->descriptor != sqe->fd)
		to = to->next;
	if (to == NULL)
		return -EBADFD;
	if (sim_chance(sim_world->faults.message_error))
		return -ENOMEM;
	if (sqe->addr == IORING_MSG_SEND_FD) {
		f = sim_table_file(u, (uint32_t)sqe->addr3);
		assert(f != NULL && sqe->file_index == IORING_FILE_INDEX_ALLOC);
		f->references++;
		result = sim_table_open(to, f);
		if (result < 0) {
			sim_file_put(f);
			return result;
		}
	}
	sim_post(to, sqe->off, result, 0);
	return 0;
}

bool
sim_table_submit(struct uring *u, const struct io_uring_sqe *sqe)
{
	int result;

	if (sqe->opcode == COMPAT_OP_FIXED_FD_INSTALL &&
	    sim_world->lacking & 1u << RING_FEATURE_DIRECT)
		result = -EINVAL;
	else if (sqe->opcode == COMPAT_OP_FIXED_FD_INSTALL)
		result = descriptor_for(u, sqe);
	else if (sqe->opcode == IORING_OP_FILES_UPDATE)
		result = install(u, sqe);
	else if (sqe->opcode == IORING_OP_URING_CMD)
		result = set_linger(u, sqe);
	else if (sqe->opcode == IORING_OP_MSG_RING)
		result = message(u, sqe);
	else if (sqe->opcode == IORING_OP_SHUTDOWN)
		result = shut(u, sqe);
	else
		return false;
	if (result < 0 || !(sqe->flags & IOSQE_CQE_SKIP_SUCCESS))
		sim_post(u, sqe->user_data, result, 0);
	return true;
}
