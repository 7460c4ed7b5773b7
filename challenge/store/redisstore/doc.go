// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

// Package redisstore keeps records in Redis 7.0 or later, where several machines
// share them: on one server, on one that sentinels watch, or on a cluster.
//
// # What it promises
//
// An Update reads a record and puts another one in its place only if nobody has
// touched it in between; what decides is a random nonce before each record. It
// is kept once or not at all, whatever a network does: a write whose answer was
// lost is sent again, and its nonce tells whether it has happened. Where that
// cannot be told, Update returns [ErrUnsure]. An Update takes two round trips
// and one more for each conflict with another machine, a Get one.
//
// Redis acknowledges before a replica, or the disk, has the record. What it has
// forgotten after a failover, or a start from an old snapshot, it does not know;
// but it can be told that this is another run (see [challenge.Lossy]), by the
// replication id, which is made anew whenever a server starts or takes over.
// That also happens when a server gets its first replica, and an hour after it
// lost the last one. What must not be forgotten even so is confirmed by a replica,
// see [Store.Replicated].
//
// # When a server is away
//
// Each step takes [Options.Timeout] at most. After a call that got no answer
// the others return [ErrAway] at once, with since when and why; one in each
// quarter of a second tries, and the first that is answered ends the outage. A
// server of a cluster that is away does not concern the records of the others.
//
// # What the user of the servers needs
//
//	ACL SETUSER doorcode on >PASSWORD resetkeys ~doorcode:* resetchannels -@all +get +getrange +set +del +time +info +eval +evalsha +scan +select +hello +wait
//
// and in a cluster besides
//
//	+cluster|slots +asking
//
// All keys begin with [Options.Prefix]. scan serves List only, which an
// operator's commands use, select only a database other than 0, and wait only
// servers with replicas.
package redisstore
