package caddymodule

import (
	"context"
	"net"
	"strings"
	"time"

	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/address"
	"github.com/sigra-auth/sigra/authcore/deletion"
	"github.com/sigra-auth/sigra/authcore/disclosure"
	"github.com/sigra-auth/sigra/authcore/kept"
	"github.com/sigra-auth/sigra/authcore/mfa"
	"github.com/sigra-auth/sigra/authcore/org"
	"github.com/sigra-auth/sigra/authcore/passkey"
	"github.com/sigra-auth/sigra/authcore/password"
	"github.com/sigra-auth/sigra/authcore/profile"
	"github.com/sigra-auth/sigra/authcore/recovery"
	"github.com/sigra-auth/sigra/authcore/signup"
	"github.com/sigra-auth/sigra/authcore/userimport"
)

// services are the parts of authcore that each configuration makes anew, over
// what the engine keeps.
type services struct {
	accounts   *account.Service
	twoStep    *mfa.Service
	passkeys   *passkey.Service
	recovery   *recovery.Service
	signups    *signup.Service
	profiles   *profile.Service
	addresses  *address.Service
	deletions  *deletion.Service
	disclosure *disclosure.Service
	kept       *kept.Service
	imports    *userimport.Service
	orgs       *org.Service
}

func (a *App) newServices() services {
	e, clock, fields, rules := a.engine, time.Now, a.profileFields(), a.SignUp.rules()
	accounts := a.newAccounts()
	orgs := a.newOrgs(accounts)
	return services{
		accounts: accounts,
		twoStep: mfa.New(mfa.Deps{
			Users: e.db, Store: e.db, Accounts: accounts, Sessions: e.sessions, Guard: e.throttle, Notes: e.db, Box: e,
			Events: a.observer, Clock: clock, Logger: a.logger,
		}),
		passkeys: passkey.New(passkey.Deps{
			Users: e.db, Store: e.db, Ceremonies: e.backend.Ceremonies, Accounts: accounts, Sessions: e.sessions, Guard: e.throttle, Notes: e.db, Sealer: e,
			Events: a.observer, Counts: a.Passkeys.counts(), Clock: clock, Logger: a.logger,
		}),
		recovery: recovery.New(recovery.Deps{
			Users: e.db, Tokens: e.db, Store: e.db, Queue: e.db.Jobs(), Accounts: accounts, Sessions: e.sessions,
			Guard: e.throttle, Sealer: e, Events: a.observer, Clock: clock,
		}),
		signups: signup.New(signup.Deps{
			Rules: rules, Users: e.db, Tokens: e.db, Store: e.db, Queue: e.db.Jobs(), Accounts: accounts, Sessions: e.sessions,
			Guard: e.throttle, Sealer: e, Events: a.observer, Clock: clock,
		}),
		profiles: profile.New(profile.Deps{Fields: fields, Users: e.db, Store: e.db, Accounts: accounts, Sealer: e, Clock: clock}),
		addresses: address.New(address.Deps{
			Users: e.db, Tokens: e.db, Store: e.db, Accounts: accounts, Sessions: e.sessions, Guard: e.throttle,
			Allows: rules.Allows, Sealer: e, Events: a.observer, Clock: clock,
		}),
		deletions: deletion.New(deletion.Deps{
			Rules: a.Deletion.rules(), Owner: orgs.Config.Roles.Owner(), Users: e.db, Store: e.db, Accounts: accounts, Sessions: e.sessions,
			Sealer: e, Events: a.observer, Clock: clock,
		}),
		disclosure: disclosure.New(disclosure.Deps{
			Trail: e.db, Users: e.db, Sessions: e.sessions, Browsers: e.db, Passkeys: e.exportedPasskeys, Orgs: e.db.Orgs(), Notes: e.db, Clock: clock,
		}),
		kept:    kept.New(kept.Deps{Tokens: e.db, Sealer: e, Clock: clock}),
		imports: userimport.New(e.db, clock),
		orgs:    orgs,
	}
}

// newAccounts makes the service of accounts, whose sessions know of organizations.
func (a *App) newAccounts() *account.Service {
	e, orgs := a.engine, a.engine.db.Orgs()
	return account.New(account.Deps{
		Users: e.db, Ledger: e.db, Tokens: e.db, Browsers: e.db, Passkeys: e.db, Queue: e.db.Jobs(), Sessions: e.sessions,
		Orgs:      &org.Workspaces{Config: a.Orgs.config(), Orgs: orgs, Members: orgs, Users: e.db, Clock: time.Now},
		Passwords: e.hasher, Guard: e.throttle, Sealer: e, Events: a.observer,
		Policy: a.passwordPolicy(),
		Fields: a.profileFields(), Usable: a.asksFor, Clock: time.Now, Logger: a.logger,
	})
}

// passwordPolicy says which new passwords are acceptable.
func (a *App) passwordPolicy() password.Policy {
	return password.Policy{MinLength: a.Password.MinLength, Names: append(strings.Fields(a.Brand.Name), appID)}
}

// newOrgs makes the service of organizations.
func (a *App) newOrgs(accounts *account.Service) *org.Service {
	e, store := a.engine, a.engine.db.Orgs()
	return org.New(org.Deps{
		Config: a.Orgs.config(), Orgs: store, Members: store, MemberChanges: store, Invitations: store, Domains: store, Joining: store, Users: e.db, Accounts: accounts,
		Sessions: e.sessions, Notes: e.db, Resolver: net.DefaultResolver, Sealer: e, Events: a.observer, Clock: time.Now,
	})
}

// exportedPasskeys are those of a user as their export shows them.
func (e *engine) exportedPasskeys(ctx context.Context, userID string) ([]disclosure.Passkey, error) {
	list, err := e.db.Passkeys(ctx, userID)
	exported := make([]disclosure.Passkey, 0, len(list))
	for _, p := range list {
		exported = append(exported, disclosure.Passkey{
			ID: p.Ref(), Name: p.Name, Model: p.Model(), RPID: p.RPID, Discoverable: p.Discoverable, Synced: p.Synced(), BackedUp: p.BackedUp,
			CreatedAt: p.CreatedAt, UsedAt: p.UsedAt,
		})
	}
	return exported, err
}
