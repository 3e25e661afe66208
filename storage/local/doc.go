// Package local holds what a gateway on one node keeps in process: the throttle
// and the session bus of the embedded default. Several nodes share these
// through package redisstore instead.
package local
