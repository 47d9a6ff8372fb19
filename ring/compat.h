/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RING_COMPAT_H
#define RING_COMPAT_H
/*
 * Kernel constants that liburing 2.3's headers lack. The numbers are kernel ABI. Own
 * names, so that a newer liburing does not clash and no #ifdef is needed.
 */
#include <liburing.h>

/* setup: no index array between SQ ring and SQEs (6.6) */
#define COMPAT_SETUP_NO_SQARRAY (1u << 16)

/* URING_CMD on a socket: setsockopt (6.7) */
#define COMPAT_SOCKET_SETSOCKOPT 3u

/* an ordinary descriptor for an entry of the fixed-file table (6.8) */
#define COMPAT_OP_FIXED_FD_INSTALL 54

/* What 6.1 has and the ring cannot do without. */
#define COMPAT_FEATURES_NEEDED                                                                     \
	(IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE |                \
	 IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP)

#endif
