// Package servers starts real database servers for tests: Postgres, and Redis
// alone, behind Sentinel or as a Cluster. Each runs on a free loopback port
// with its data in a temporary directory, and dies with the test process.
//
// A missing binary fails the test, it never skips it: a suite that silently
// tests less than it claims is worse than one that cannot run.
package servers
