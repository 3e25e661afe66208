// Package architecture tests the shape of the code: who may import whom, and
// how large things may grow.
package architecture
