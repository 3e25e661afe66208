package sqlstore_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore/assertion"
	"github.com/sigra-auth/sigra/authcore/secret"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/storage/sqlstore"
	"github.com/sigra-auth/sigra/storage/storetest"
	"github.com/sigra-auth/sigra/tests/servers"
)

func TestUsers(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		storetest.Users(t, func(t testing.TB) storetest.Accounts { return open(t) })
	})
}

func TestFirstAccount(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		storetest.FirstAccount(t, func(t testing.TB) storetest.Accounts { return open(t) })
	})
}

func TestTokens(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		storetest.Tokens(t, func(t testing.TB) storetest.Accounts { return open(t) })
	})
}

func TestJobs(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		storetest.Jobs(t, func(t testing.TB) storetest.JobQueue { return open(t).Jobs() })
	})
}

func TestRecovery(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		storetest.Recovery(t, func(t testing.TB) storetest.Links {
			db := open(t)
			return storetest.Links{Accounts: db, Store: db, Queue: db.Jobs()}
		})
	})
}

func TestSignUp(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		storetest.SignUp(t, func(t testing.TB) storetest.SignUps {
			db := open(t)
			return storetest.SignUps{Accounts: db, Store: db, Queue: db.Jobs()}
		})
	})
}

func TestTwoStep(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		storetest.TwoStep(t, func(t testing.TB) storetest.TwoSteps { return open(t) })
	})
}

func TestPasskeys(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		storetest.Passkeys(t, func(t testing.TB) storetest.PasskeyStore { return open(t) })
	})
}

func TestCeremonies(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		storetest.Ceremonies(t, open(t), time.Sleep)
	})
}

// TestTogether opens each database twice, as two nodes do; SQLite by one process too.
func TestTogether(t *testing.T) {
	dsn, path := servers.Postgres(t), filepath.Join(t.TempDir(), "sigra.db")
	for name, open := range map[string]func() *sqlstore.DB{
		"postgres": func() *sqlstore.DB { return openPostgres(t, dsn) },
		"sqlite":   func() *sqlstore.DB { return openSQLite(t, path) },
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Together(t, [2]storetest.Node{migrated(t, open()), migrated(t, open())})
		})
	}
}

func TestLife(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		storetest.Life(t, func(t testing.TB) storetest.Lives {
			db := open(t)
			return storetest.Lives{Accounts: db, Store: db, Addresses: db, Deletions: db, Trail: db, Queue: db.Jobs()}
		})
	})
}

func TestOrganizations(t *testing.T) { onPairs(t, storetest.Organizations) }

func TestMembers(t *testing.T) { onPairs(t, storetest.Members) }

func TestOrgAuthority(t *testing.T) { onPairs(t, storetest.OrgAuthority) }

func TestInvitations(t *testing.T) { onPairs(t, storetest.Invitations) }

func TestDomains(t *testing.T) { onPairs(t, storetest.Domains) }

// onPairs runs a test of organizations on fresh databases of each dialect.
func onPairs(t *testing.T, test func(t *testing.T, open func(testing.TB) storetest.Orgs)) {
	for name, open := range pairs {
		t.Run(name, func(t *testing.T) {
			test(t, func(t testing.TB) storetest.Orgs {
				db, node := open(t)
				return storetest.Orgs{OrgStore: db.Orgs(), Node: node.Orgs(), Accounts: db, Factors: db, Passkeys: db, Deletions: db, Queue: db.Jobs()}
			})
		})
	}
}

func TestKeys(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		storetest.Keys(t, func(t testing.TB) assertion.KeyStore { return open(t) })
	})
}

func TestCheckValues(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		storetest.CheckValues(t, func(t testing.TB) secret.CheckStore { return open(t) })
	})
}

func TestRevocations(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		storetest.Revocations(t, func(t testing.TB) session.RevocationLog { return open(t).Revocations() })
	})
}

func TestSessions(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		storetest.Sessions(t, func(t testing.TB) session.Store { return open(t).Sessions() })
	})
}
