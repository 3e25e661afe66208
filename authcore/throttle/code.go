package throttle

import (
	"context"
	"errors"
)

// Try is a try at the code of a sign-up.
type Try struct {
	SignUp string
	// Address is the canonical address that the code went to, whether or not one
	// did.
	Address string
	// Domain is that of the address where it alone lets people in, else empty.
	Domain string
	IP     string
}

// Code counts a try at the code of a sign-up, right or wrong; it fails with
// *Exceeded.
func (g *Guard) Code(ctx context.Context, t Try) error {
	l := g.limits.Load()
	if err := g.takeNetwork(ctx, t.IP, l.CodeNetwork); err != nil {
		return err
	}
	if err := g.take(ctx, t.SignUp, l.Code); err != nil {
		return err
	}
	if err := g.take(ctx, t.SignUp, l.CodeLife); err != nil {
		return err
	}
	err := g.take(ctx, mailbox(t.Address), l.CodeAddress)
	if err == nil && t.Domain != "" {
		err = g.take(ctx, t.Domain, l.CodeDomain)
	}
	if exceeded := new(Exceeded); errors.As(err, &exceeded) {
		exceeded.Spent = true
	}
	return err
}
