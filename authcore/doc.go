// Package authcore holds the words that every part of Sigra shares: the user,
// the identity that a request is answered with, and the errors that stores and
// services agree on.
//
// It imports the standard library only. Each capability (session, password,
// assertion, ...) is a package below this one that declares the small
// interfaces of what it needs; none of them imports Caddy, SQL, Redis or a
// template.
package authcore
