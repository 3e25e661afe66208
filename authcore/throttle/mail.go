package throttle

import (
	"context"
	"errors"
	"strings"
)

// Mail counts a request of a stranger for a notice or a proof to an address. It
// fails with *Exceeded over the limit of the network; over that of the address the
// verdict refuses, which whoever is not signed in must not learn: the answer is as
// ever, and no mail is sent.
func (g *Guard) Mail(ctx context.Context, kind, address, ip string) (Verdict, error) {
	l := g.limits.Load()
	if err := g.takeNetwork(ctx, ip, l.MailNetwork); err != nil {
		return Verdict{}, err
	}
	verdict, err := g.store.Take(ctx, kind+"|"+mailbox(address), l.Mail)
	if err != nil || !verdict.Allowed {
		return verdict, err
	}
	return g.store.Take(ctx, mailbox(address), l.MailDay)
}

// Asking is a request of anybody for a link that lets the owner of an address in.
type Asking struct {
	Kind    string
	Address string
	IP      string
	// Devices are the ids of the known-device marks that came with it, of whatever
	// account.
	Devices []string
}

// Grant says for whom a link may be sent; the zero value is for nobody.
type Grant struct {
	Anybody bool
	// Devices are the ids that the account must know one of, unless it is anybody.
	Devices []string
}

// Recovery counts a request for a link. It is apart from Mail, and three budgets
// stand for each other: the one of the address; that of the client's network for it;
// and that of the browser, for the case that the account knows it. So strangers who
// use up the first, or all that their own network may ask for, keep no owner from a
// link, and a hundred networks cannot fill a mailbox either. All of it is counted
// before anybody looks whether there is an account. It fails with *Exceeded over the
// limit of the network, unless the browser has something left.
func (g *Guard) Recovery(ctx context.Context, a Asking) (grant Grant, err error) {
	l := g.limits.Load()
	network := g.takeNetwork(ctx, a.IP, l.MailNetwork)
	if network == nil {
		key := a.Kind + "|" + mailbox(a.Address)
		verdict, err := g.store.Take(ctx, key, l.Mail)
		if err == nil && !verdict.Allowed {
			verdict, err = g.store.Take(ctx, key+"|"+Network(a.IP), l.MailOwn)
		}
		if err != nil || verdict.Allowed {
			return Grant{Anybody: err == nil}, err
		}
	} else if exceeded := new(Exceeded); !errors.As(network, &exceeded) {
		return Grant{}, network
	}
	for _, id := range a.Devices {
		verdict, err := g.store.Take(ctx, a.Kind+"|"+id, l.MailDevice)
		if err != nil {
			return Grant{}, err
		}
		if verdict.Allowed {
			grant.Devices = append(grant.Devices, id)
		}
	}
	if len(grant.Devices) > 0 {
		return grant, nil
	}
	return Grant{}, network
}

// mailbox returns an address without its tag: most servers put ada+1@ to ada+99@ into
// one mailbox, which is what strangers must not fill.
func mailbox(address string) string {
	local, domain, found := strings.Cut(address, "@")
	if i := strings.IndexByte(local, '+'); found && i > 0 {
		return local[:i] + "@" + domain
	}
	return address
}
