// Package redisstore keeps sessions and throttles in Redis and carries the
// invalidations between nodes over it. It works with a single server, behind
// Sentinel and on a Cluster: every script touches one key, or keys of one slot.
//
// Use a Redis with maxmemory-policy noeviction: an evicted session signs its
// user out, an evicted index hides sessions from "sign out everywhere".
package redisstore
