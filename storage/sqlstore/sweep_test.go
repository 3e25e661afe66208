package sqlstore_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/org"
	"github.com/sigra-auth/sigra/authcore/session"
	"github.com/sigra-auth/sigra/authcore/token"
	"github.com/sigra-auth/sigra/storage/sqlstore"
)

// TestSweep fills more than one batch and checks that what has not expired is
// kept.
func TestSweep(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		ctx, db, now := context.Background(), open(t), time.Now()
		insertSessions(t, db, 0, 2500, now.Add(-time.Minute))
		insertSessions(t, db, 2500, 10, now.Add(time.Minute))
		for purpose, ttl := range map[token.Purpose]time.Duration{"gone": -time.Minute, "kept": time.Minute} {
			_, tok := token.New(purpose, "", now, ttl)
			if err := db.Issue(ctx, tok); err != nil {
				t.Fatal(err)
			}
		}
		for _, expires := range []time.Time{now.Add(time.Hour), now.Add(time.Millisecond)} {
			if err := db.Revocations().Record(ctx, session.Revocation{UserID: "u", At: now, Except: expires.String(), ExpiresAt: expires}); err != nil {
				t.Fatal(err)
			}
		}
		for id, dead := range map[string]time.Time{"old": now.Add(-31 * 24 * time.Hour), "young": now.Add(-29 * 24 * time.Hour)} {
			j := job.Job{ID: id, Kind: "test", Sealed: []byte("x"), CreatedAt: dead, DueAt: now.Add(-time.Minute)}
			if err := db.Jobs().Add(ctx, j); err != nil {
				t.Fatal(err)
			}
			claimed, err := db.Jobs().Claim(ctx, 1, now, time.Minute)
			if err != nil || len(claimed) != 1 {
				t.Fatal(claimed, err)
			}
			claimed[0].DeadAt = dead
			if err := db.Jobs().Failed(ctx, claimed[0]); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Sweep(ctx, now.Add(10*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		for table, want := range map[string]int{"sessions": 10, "tokens": 1, "revocations": 1, "jobs": 1} {
			if n := count(t, db, "SELECT count(*) FROM "+table); n != want {
				t.Errorf("%s has %d rows left, want %d", table, n, want)
			}
		}
	})
}

// TestSweepOrganizations keeps what members can still look at, and what quotas need.
func TestSweepOrganizations(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		ctx, db, now := context.Background(), open(t), time.Now()
		orgs, o, event := db.Orgs(), someOrg("acme"), someEvent(audit.OrgCreate)
		event.At = now
		if err := orgs.Create(ctx, o, "", "", 0, event); err != nil {
			t.Fatal(err)
		}
		for slug, until := range map[string]time.Time{"gone": now.Add(-time.Second), "kept": now.Add(time.Second)} {
			if _, err := db.Raw().Exec(`INSERT INTO org_slugs (slug, org_id, expires_at) VALUES ($1, $2, $3)`, slug, o.ID, until.UnixMicro()); err != nil {
				t.Fatal(err)
			}
		}
		for i, ended := range []time.Duration{-31, -29} {
			at := now.Add(ended * 24 * time.Hour)
			for what, expires := range map[string]time.Time{"pending": at, "accepted": at.Add(60 * 24 * time.Hour), "revoked": at.Add(60 * 24 * time.Hour)} {
				name := fmt.Sprint(what, i)
				in := org.Invitation{ID: name, OrgID: o.ID, EmailKey: name + "@example.com", Role: "member", Hash: []byte(name), CreatedAt: at, ExpiresAt: expires}
				event := someEvent(audit.OrgInvite)
				event.At = at
				if err := orgs.Invite(ctx, org.Authority{}, in, "owner", org.Quota{}, event); err != nil {
					t.Fatal(err)
				}
				if err := endInvitation(ctx, db, in, what, at); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := db.Sweep(ctx, now); err != nil {
			t.Fatal(err)
		}
		for table, want := range map[string]int{"org_slugs": 1, "invitations": 3, "org_mails": 3} {
			if n := count(t, db, "SELECT count(*) FROM "+table); n != want {
				t.Errorf("%s has %d rows left, want %d", table, n, want)
			}
		}
		if n := count(t, db, "SELECT count(*) FROM invitations WHERE id IN ('pending1', 'accepted1', 'revoked1')"); n != 3 {
			t.Errorf("%d of the invitations that ended lately are left, want 3", n)
		}
	})
}

// TestSweepDeletedOrganizations keeps those that sessions may still have to be told of.
func TestSweepDeletedOrganizations(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *sqlstore.DB) {
		ctx, db, now := context.Background(), open(t), time.Now()
		ada := someUser("ada")
		if err := db.Create(ctx, ada, "", someEvent(audit.UserCreate)); err != nil {
			t.Fatal(err)
		}
		for slug, ago := range map[string]time.Duration{"old": 31, "told": 31, "young": 29, "alive": 0} {
			o, event := someOrg(slug), someEvent(audit.OrgCreate)
			if err := db.Orgs().Create(ctx, o, ada.ID, "owner", 0, event); err != nil {
				t.Fatal(err)
			}
			var jobs []job.Job
			if slug == "told" {
				jobs = append(jobs, job.Job{ID: "j", Kind: org.RefreshJob, Sealed: []byte("x"), CreatedAt: now, DueAt: now}.About(o.ID))
			}
			event = someEvent(audit.OrgDelete)
			if event.At = now.Add(-ago * 24 * time.Hour); ago > 0 {
				if err := db.Orgs().Delete(ctx, org.Authority{}, o.ID, event, jobs...); err != nil {
					t.Fatal(err)
				}
			}
			// What a node of another version may have left.
			later := now.Add(time.Hour).UnixMicro()
			_, err := db.Raw().Exec(`INSERT INTO invitations (id, org_id, email, email_key, role, hash, invited_by, created_at, expires_at)
				VALUES ($1, $2, '', '', '', $3, '', 0, $4)`, slug, o.ID, []byte(slug), later)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Raw().Exec(`INSERT INTO org_slugs (slug, org_id, expires_at) VALUES ($1, $2, $3)`, slug+"-was", o.ID, later); err != nil {
				t.Fatal(err)
			}
		}
		sweep := func(step string, organizations int) {
			t.Helper()
			if err := db.Sweep(ctx, now); err != nil {
				t.Fatal(err)
			}
			for table, column := range map[string]string{"organizations": "id", "memberships": "org_id", "org_slugs": "org_id", "invitations": "org_id"} {
				if n := count(t, db, "SELECT count(DISTINCT "+column+") FROM "+table); n != organizations {
					t.Errorf("%s: %s of %d organizations are left, want %d", step, table, n, organizations)
				}
			}
		}
		sweep("while members are to be told", 3)
		if _, err := db.Raw().Exec("DELETE FROM jobs"); err != nil {
			t.Fatal(err)
		}
		sweep("after that", 2)
		if n := count(t, db, "SELECT count(*) FROM organizations WHERE slug IN ('young', 'alive')"); n != 2 {
			t.Errorf("%d of those that are needed are left, want 2", n)
		}
	})
}

// endInvitation ends an invitation at a time, unless it ends by itself.
func endInvitation(ctx context.Context, db *sqlstore.DB, in org.Invitation, how string, at time.Time) error {
	event := someEvent(audit.OrgInviteRevoke)
	event.At = at
	switch how {
	case "accepted":
		user := someUser(in.ID)
		if err := db.Create(ctx, user, "", someEvent(audit.UserCreate)); err != nil {
			return err
		}
		return db.Orgs().Accept(ctx, in, user.ID, "owner", 0, event)
	case "revoked":
		return db.Orgs().Revoke(ctx, org.Authority{}, in.OrgID, in.ID, event)
	default:
		return nil
	}
}

func insertSessions(t testing.TB, db *sqlstore.DB, first, n int, deadline time.Time) {
	t.Helper()
	tx, err := db.Raw().Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for i := range n {
		hash := binary.BigEndian.AppendUint64(make([]byte, 24), uint64(first+i))
		if _, err := tx.Exec(`INSERT INTO sessions (hash, id, user_id, data, seen_at, seen_ip, expires_at, idle, deadline)
			VALUES ($1, '', 'u', $1, 0, '', $2, 0, $2)`, hash, deadline.UnixMicro()); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkFind reads one session of many, as every request does with the
// cache turned off.
func BenchmarkFind(b *testing.B) {
	for name, open := range dialects {
		b.Run(name, func(b *testing.B) {
			db := migrated(b, open(b))
			insertSessions(b, db, 0, 10_000, time.Now().Add(time.Hour))
			hashes := make([]session.Hash, 1)
			b.ReportAllocs()
			for b.Loop() {
				binary.BigEndian.PutUint64(hashes[0][24:], 5000)
				records, err := db.Sessions().Find(context.Background(), hashes)
				if err != nil || records[0] == nil {
					b.Fatal(records, err)
				}
			}
		})
	}
}
