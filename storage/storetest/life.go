package storetest

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/address"
	"github.com/sigra-auth/sigra/authcore/audit"
	"github.com/sigra-auth/sigra/authcore/deletion"
	"github.com/sigra-auth/sigra/authcore/disclosure"
	"github.com/sigra-auth/sigra/authcore/job"
	"github.com/sigra-auth/sigra/authcore/profile"
	"github.com/sigra-auth/sigra/authcore/token"
)

// Lives is what the flows of an account's life store, with the queue that it
// fills.
type Lives struct {
	Accounts
	profile.Store
	Addresses address.Store
	Deletions deletion.Store
	Trail     disclosure.Trail
	Queue     JobQueue
}

// Life tests profile.Store, address.Store, deletion.Store, disclosure.Trail and
// the approval of accounts.
func Life(t *testing.T, open func(testing.TB) Lives) {
	cases(t, open, map[string]func(context.Context, *testing.T, Lives){
		"profile":                 testProfile,
		"approval":                testApproval,
		"last sign-in":            testLastSignIn,
		"address":                 testAddress,
		"address taken":           testChangeToTaken,
		"address kept":            testKeepAddress,
		"address, void tokens":    testVoidAddress,
		"address, twice":          testChangeRace,
		"address against keep":    testChangeAgainstKeep,
		"deletion cancelled":      testDeletionCancelled,
		"deletion, each mode":     testDeleteAccount,
		"deletion against cancel": testDeleteRace,
		"trail":                   testTrail,
	})
}

func (s Lives) user(ctx context.Context, t *testing.T, name string) authcore.User {
	t.Helper()
	user := newUser(name)
	must(t, s.Create(ctx, user, "hash", newEvent(audit.UserCreate).Of(user.ID)))
	return user
}

func (s Lives) read(ctx context.Context, t *testing.T, id string) (authcore.User, account.Credential) {
	t.Helper()
	user, credential, err := s.User(ctx, id)
	must(t, err)
	return user, credential
}

func testProfile(ctx context.Context, t *testing.T, s Lives) {
	user := newUser("ada")
	user.Profile, user.Language = map[string]string{"company": "Äcme \"&\" 'Co'"}, "de"
	must(t, s.Create(ctx, user, "hash", newEvent(audit.UserCreate)))
	got, _ := s.read(ctx, t, user.ID)
	same(t, "the account", got, user)
	user.Name, user.Language, user.Profile = "Countess", "", map[string]string{"team": "Red", "site": "https://example.com/?a=b"}
	event := newEvent(audit.ProfileChange).Of(user.ID)
	must(t, s.SaveProfile(ctx, user, event, newJob("refresh")))
	got, credential := s.read(ctx, t, user.ID)
	if got.Name != "Countess" || got.Language != "" || !maps.Equal(got.Profile, user.Profile) || credential.Hash != "hash" || got.AuthEpoch != user.AuthEpoch || !got.UpdatedAt.Equal(event.At.Truncate(time.Microsecond)) {
		t.Errorf("%+v", got)
	}
	wantCounts(ctx, t, s.Queue, job.Counts{Waiting: 1})
	user.ID = newID()
	wantError(t, s.SaveProfile(ctx, user, newEvent(audit.ProfileChange), newJob("refresh")), authcore.ErrNotFound)
	wantCounts(ctx, t, s.Queue, job.Counts{Waiting: 1})
}

func testApproval(ctx context.Context, t *testing.T, s Lives) {
	user := newUser("ada")
	user.AwaitsApprovalSince = user.CreatedAt
	must(t, s.Create(ctx, user, "hash", newEvent(audit.UserCreate)))
	if got, _ := s.read(ctx, t, user.ID); got.Hold() != authcore.HoldApproval {
		t.Errorf("%+v", got)
	}
	wantWinners(t, concurrently(5, func(int) error {
		_, err := s.Approve(ctx, user.ID, newEvent(audit.UserApprove), newJob("letter"))
		return err
	}), 1, authcore.ErrConflict)
	if got, _ := s.read(ctx, t, user.ID); got.Hold() != "" {
		t.Errorf("%+v", got)
	}
	wantCounts(ctx, t, s.Queue, job.Counts{Waiting: 1})
}

func testLastSignIn(ctx context.Context, t *testing.T, s Lives) {
	user := s.user(ctx, t, "ada")
	if _, credential := s.read(ctx, t, user.ID); !credential.SignedInAt.IsZero() {
		t.Errorf("%+v", credential)
	}
	event := newEvent(audit.LoginSuccess).Of(user.ID)
	must(t, s.SignedIn(ctx, user.ID, user.AuthEpoch, event, newJob("letter")))
	if _, credential := s.read(ctx, t, user.ID); !credential.SignedInAt.Equal(event.At.Truncate(time.Microsecond)) {
		t.Errorf("%+v", credential)
	}
	wantError(t, s.SignedIn(ctx, user.ID, user.AuthEpoch+1, event, newJob("letter")), authcore.ErrConflict)
	wantCounts(ctx, t, s.Queue, job.Counts{Waiting: 1})
}

// propose stores a change of address that waits.
func (s Lives) propose(ctx context.Context, t *testing.T, user authcore.User) (change, keep token.Token) {
	t.Helper()
	_, change = token.New(token.ChangeEmail, user.ID, now(), time.Hour)
	_, keep = token.New(token.KeepEmail, user.ID, now(), time.Hour)
	change.Address, keep.Address = user.EmailKey, user.EmailKey
	change.Payload, keep.Payload = []byte(`{"a":1}`), []byte(`{"a":1}`)
	wantError(t, s.Addresses.ProposeEmail(ctx, user.AuthEpoch+1, change, keep, newEvent(audit.EmailChangeRequest), laterJob()), authcore.ErrConflict)
	must(t, s.Addresses.ProposeEmail(ctx, user.AuthEpoch, change, keep, newEvent(audit.EmailChangeRequest), laterJob(), laterJob()))
	return change, keep
}

func addressOf(name string) account.Email {
	return account.Email{Display: name + "@Example.com", Key: name + "@example.com"}
}

func (s Lives) change(ctx context.Context, t token.Token, user authcore.User, name string) (authcore.User, error) {
	return s.Addresses.ChangeEmail(ctx, t.Hash, user, addressOf(name), newEvent(audit.EmailChange).Of(user.ID), laterJob())
}

func testAddress(ctx context.Context, t *testing.T, s Lives) {
	user := s.user(ctx, t, "ada")
	void, _ := s.propose(ctx, t, user)
	change, keep := s.propose(ctx, t, user) // in its place
	waiting, err := s.Addresses.ProposedEmail(ctx, user.ID, now())
	must(t, err)
	if string(waiting.Payload) != `{"a":1}` || string(waiting.Hash) != string(change.Hash) {
		t.Errorf("%+v waits", waiting)
	}
	_, err = s.change(ctx, void, user, "grace")
	wantError(t, err, authcore.ErrNotFound)
	changed, err := s.change(ctx, change, user, "grace")
	must(t, err)
	got, credential := s.read(ctx, t, user.ID)
	same(t, "what was returned", changed, got)
	if got.EmailKey != "grace@example.com" || got.Email != "grace@Example.com" || got.AuthEpoch != user.AuthEpoch+1 || !got.EmailVerifiedAt.After(user.EmailVerifiedAt) || credential.Hash != "hash" {
		t.Errorf("%+v", got)
	}
	_, err = s.Addresses.ProposedEmail(ctx, user.ID, now())
	wantError(t, err, authcore.ErrNotFound)
	wantError(t, s.Addresses.KeepEmail(ctx, keep.Hash, user.ID, newEvent(audit.EmailChangeCancel)), authcore.ErrNotFound)
	s.user(ctx, t, "ada") // the old address is free
}

func testChangeToTaken(ctx context.Context, t *testing.T, s Lives) {
	user := s.user(ctx, t, "ada")
	s.user(ctx, t, "grace")
	change, _ := s.propose(ctx, t, user)
	_, err := s.change(ctx, change, user, "grace")
	wantError(t, err, authcore.ErrConflict)
	got, _ := s.read(ctx, t, user.ID)
	same(t, "the account", got, user)
}

func testKeepAddress(ctx context.Context, t *testing.T, s Lives) {
	user := s.user(ctx, t, "ada")
	change, keep := s.propose(ctx, t, user)
	event := newEvent(audit.EmailChangeCancel)
	wantError(t, s.Addresses.KeepEmail(ctx, change.Hash, user.ID, event), authcore.ErrNotFound)
	wantError(t, s.Addresses.KeepEmail(ctx, keep.Hash, newID(), event), authcore.ErrNotFound)
	must(t, s.Addresses.KeepEmail(ctx, keep.Hash, user.ID, event))
	_, err := s.change(ctx, change, user, "grace")
	wantError(t, err, authcore.ErrNotFound)
	wantError(t, s.Addresses.KeepEmail(ctx, nil, user.ID, newEvent(audit.EmailChangeCancel)), authcore.ErrNotFound)
	s.propose(ctx, t, user)
	must(t, s.Addresses.KeepEmail(ctx, nil, user.ID, newEvent(audit.EmailChangeCancel)))
	got, _ := s.read(ctx, t, user.ID)
	same(t, "the account", got, user)
}

func testVoidAddress(ctx context.Context, t *testing.T, s Lives) {
	user := s.user(ctx, t, "ada")
	change, _ := s.propose(ctx, t, user)
	changed, err := s.SetPassword(ctx, user.ID, "other", newEvent(audit.PasswordSet))
	must(t, err)
	_, err = s.change(ctx, change, changed, "grace") // voided with all others
	wantError(t, err, authcore.ErrNotFound)
	change, _ = s.propose(ctx, t, changed)
	_, err = s.change(ctx, change, user, "grace") // read before the change
	wantError(t, err, authcore.ErrConflict)
	disabled, err := s.SetDisabled(ctx, user.ID, true, newEvent(audit.UserDisable))
	must(t, err)
	_, err = s.change(ctx, change, disabled, "grace")
	wantError(t, err, authcore.ErrConflict)
}

func testChangeRace(ctx context.Context, t *testing.T, s Lives) {
	user := s.user(ctx, t, "ada")
	change, _ := s.propose(ctx, t, user)
	wantWinners(t, concurrently(5, func(int) error {
		_, err := s.change(ctx, change, user, "grace")
		return err
	}), 1, authcore.ErrNotFound, authcore.ErrConflict)
}

// Whoever is first counts: the address changes or stays, and the other fails.
func testChangeAgainstKeep(ctx context.Context, t *testing.T, s Lives) {
	for range 5 {
		user := s.user(ctx, t, strings.ToLower(newID()))
		change, keep := s.propose(ctx, t, user)
		wantWinners(t, concurrently(2, func(i int) error {
			if i == 0 {
				return s.Addresses.KeepEmail(ctx, keep.Hash, user.ID, newEvent(audit.EmailChangeCancel))
			}
			_, err := s.change(ctx, change, user, "new-"+user.ID)
			return err
		}), 1, authcore.ErrNotFound, authcore.ErrConflict)
	}
}

func (s Lives) schedule(ctx context.Context, user authcore.User, at time.Time) error {
	return s.Deletions.ScheduleDeletion(ctx, user.ID, user.AuthEpoch, at, owner, newEvent(audit.DeletionSchedule).Of(user.ID), laterJob())
}

func testDeletionCancelled(ctx context.Context, t *testing.T, s Lives) {
	user, at := s.user(ctx, t, "ada"), now().Add(time.Hour)
	cancel := func() error {
		return s.Deletions.CancelDeletion(ctx, user.ID, newEvent(audit.DeletionCancel), laterJob())
	}
	wantError(t, cancel(), authcore.ErrNotFound)
	s.propose(ctx, t, user)
	must(t, s.schedule(ctx, user, at))
	got, _ := s.read(ctx, t, user.ID)
	if got.Hold() != authcore.HoldDeletion || !got.DeletionAt.Equal(at) || got.AuthEpoch != user.AuthEpoch+1 {
		t.Errorf("%+v", got)
	}
	_, err := s.Addresses.ProposedEmail(ctx, user.ID, now())
	wantError(t, err, authcore.ErrNotFound)
	wantError(t, s.schedule(ctx, user, at.Add(time.Hour)), authcore.ErrConflict)
	wantError(t, s.Create(ctx, newUser("ada"), "", newEvent(audit.UserCreate)), authcore.ErrConflict)
	must(t, cancel())
	wantError(t, cancel(), authcore.ErrNotFound)
	wantError(t, s.Deletions.Delete(ctx, user.ID, at, owner, deletion.Hard, newEvent(audit.DeletionExecute)), authcore.ErrNotFound)
	if got, _ = s.read(ctx, t, user.ID); got.Hold() != "" {
		t.Errorf("%+v", got)
	}
}

func testDeleteAccount(ctx context.Context, t *testing.T, s Lives) {
	for _, mode := range []deletion.Mode{deletion.Soft, deletion.Anonymize, deletion.Hard} {
		user, at := s.user(ctx, t, "ada"), now().Add(-time.Second)
		must(t, s.schedule(ctx, user, at))
		remove := func(scheduled time.Time) error {
			return s.Deletions.Delete(ctx, user.ID, scheduled, owner, mode, newEvent(audit.DeletionExecute).Of(user.ID), laterJob())
		}
		wantError(t, remove(at.Add(time.Second)), authcore.ErrNotFound)
		must(t, remove(at))
		wantError(t, remove(time.Time{}), authcore.ErrNotFound)
		_, _, err := s.UserByEmail(ctx, user.EmailKey)
		wantError(t, err, authcore.ErrNotFound)
		got, credential, err := s.User(ctx, user.ID)
		switch mode {
		case deletion.Hard:
			wantError(t, err, authcore.ErrNotFound)
		case deletion.Soft:
			must(t, err)
			if !got.Disabled() || got.DeletedAt.IsZero() || got.Name != user.Name || got.Email != user.Email || credential.Hash != "" {
				t.Errorf("soft: %+v", got)
			}
		default:
			must(t, err)
			if !got.Disabled() || got.Name+got.Email+got.Role+got.Language != "" || got.EmailVerified() || len(got.Profile) > 0 || credential.Hash != "" {
				t.Errorf("anonymize: %+v", got)
			}
		}
		if _, err := s.SetDisabled(ctx, user.ID, false, newEvent(audit.UserEnable)); err == nil {
			t.Errorf("%s: a deleted account was enabled", mode)
		}
		if _, err := s.SetPassword(ctx, user.ID, "hash", newEvent(audit.PasswordSet)); err == nil {
			t.Errorf("%s: a deleted account got a password", mode)
		}
		if err := s.SaveProfile(ctx, user, newEvent(audit.ProfileChange)); err == nil {
			t.Errorf("%s: a deleted account got a profile", mode)
		}
		must(t, s.Deletions.Delete(ctx, s.user(ctx, t, "ada").ID, time.Time{}, owner, deletion.Hard, newEvent(audit.DeletionExecute)))
	}
}

func testDeleteRace(ctx context.Context, t *testing.T, s Lives) {
	for range 5 {
		user, at := s.user(ctx, t, strings.ToLower(newID())), now()
		must(t, s.schedule(ctx, user, at))
		wantWinners(t, concurrently(2, func(i int) error {
			if i == 0 {
				return s.Deletions.CancelDeletion(ctx, user.ID, newEvent(audit.DeletionCancel))
			}
			return s.Deletions.Delete(ctx, user.ID, at, owner, deletion.Soft, newEvent(audit.DeletionExecute))
		}), 1, authcore.ErrNotFound)
	}
}

func testTrail(ctx context.Context, t *testing.T, s Lives) {
	user, other := s.user(ctx, t, "ada"), s.user(ctx, t, "grace")
	var written []audit.Event
	for range 7 {
		e := newEvent(audit.ProfileChange).By(audit.ActorUser, user.ID).Of(user.ID).On("session")
		e.At = e.At.Truncate(time.Microsecond)
		must(t, s.Note(ctx, e))
		must(t, s.Note(ctx, newEvent(audit.ProfileChange).Of(other.ID)))
		written = append([]audit.Event{e}, written...)
	}
	first, err := s.Trail.EventsOf(ctx, user.ID, "", 3)
	must(t, err)
	same(t, "the newest", first, written[:3])
	rest, err := s.Trail.EventsOf(ctx, user.ID, first[2].ID, 100)
	must(t, err)
	same(t, "those before", rest[:4], written[3:])
	if len(rest) != 5 || rest[4].Action != audit.UserCreate {
		t.Errorf("%+v", rest)
	}
	must(t, s.Note(ctx, newEvent(audit.OrgSwitch).Of(user.ID)))
	must(t, s.Note(ctx, newEvent(audit.Logout).Of(user.ID)))
	less, err := s.Trail.EventsOf(ctx, user.ID, "", 3, audit.OrgSwitch, audit.Logout)
	must(t, err)
	same(t, "less some", less, written[:3])
	none, err := s.Trail.EventsOf(ctx, newID(), "", 10)
	must(t, err)
	if len(none) > 0 {
		t.Errorf("a stranger has %+v", none)
	}
}
