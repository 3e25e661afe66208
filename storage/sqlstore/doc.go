// Package sqlstore keeps identity, tokens, sessions, revocations, signing keys
// and the audit log in a SQL database. It is one implementation for Postgres
// and SQLite: the queries are the same, the dialects differ in migrations, in
// how they lock and in how their errors are told apart.
//
// Every call has a deadline of at most three seconds. Errors follow the
// vocabulary of package authcore: a database that cannot answer gives
// authcore.ErrUnavailable, a broken uniqueness rule authcore.ErrConflict, a
// missing row authcore.ErrNotFound.
package sqlstore
