// Package storetest is the conformance suite of the stores: what every
// implementation of an interface must do, whatever it keeps its data in. Each
// function tests one interface and runs its cases in parallel, each on a store
// of its own.
package storetest
