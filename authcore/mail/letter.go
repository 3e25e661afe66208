package mail

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/job"
)

// Kind says what a letter is about; it chooses the messages of the catalogue.
// The set is closed.
type Kind string

// The kinds.
const (
	// Locked tells the owner that strangers are guessing the password.
	Locked Kind = "locked"
	// SignInLink holds a link that signs in.
	SignInLink Kind = "sign_in_link"
	// Confirm holds a link and a code that prove an address.
	Confirm Kind = "confirm"
	// Taken tells the owner of an account that somebody signed up with its
	// address.
	Taken Kind = "taken"
	// Reset holds a link to choose a new password.
	Reset Kind = "reset"
	// PasswordChanged tells the owner that there is a new password.
	PasswordChanged Kind = "password_changed"
	// ChangeEmail holds a link that gives an account the address it is sent to.
	ChangeEmail Kind = "change_email"
	// EmailChanging tells the address so far that it is about to be replaced,
	// with a link that stops it; EmailChanged that it was.
	EmailChanging Kind = "email_changing"
	EmailChanged  Kind = "email_changed"
	// NewDevice tells the owner of a sign-in from a browser not seen before.
	NewDevice Kind = "new_device"
	// DeletionScheduled tells when the account will be deleted; DeletionCancelled
	// that it will not, and Deleted that it was.
	DeletionScheduled Kind = "deletion_scheduled"
	DeletionCancelled Kind = "deletion_cancelled"
	Deleted           Kind = "deleted"
	// Approved tells that an operator has accepted the account.
	Approved Kind = "approved"
	// Invitation holds a link to make an account.
	Invitation Kind = "invitation"
	// TwoStepOn and TwoStepOff tell the owner that two-step sign-in was turned on
	// or off.
	TwoStepOn  Kind = "two_step_on"
	TwoStepOff Kind = "two_step_off"
	// BackupCodeUsed tells that a backup code was used, and BackupCodesReplaced
	// that there are new ones.
	BackupCodeUsed      Kind = "backup_code_used"
	BackupCodesReplaced Kind = "backup_codes_replaced"
	// CodesLocked tells the owner that somebody who has got past the first factor
	// is guessing the second.
	CodesLocked Kind = "codes_locked"
	// FactorsReset tells that an operator has removed all second factors.
	FactorsReset Kind = "factors_reset"
	// PasskeyAdded and PasskeyRemoved tell of a passkey, and the others that one was
	// refused, or removed by the gateway, because there seems to be a copy of it.
	PasskeyAdded   Kind = "passkey_added"
	PasskeyRemoved Kind = "passkey_removed"
	PasskeyCopied  Kind = "passkey_copied"
	PasskeyRevoked Kind = "passkey_revoked"
	// OrgInvitation holds a link to join an organization.
	OrgInvitation Kind = "org_invitation"
	// OrgJoined and OrgLeft tell a user that they were made a member of an
	// organization, or that this was ended.
	OrgJoined Kind = "org_joined"
	OrgLeft   Kind = "org_left"
	// OrgOwner tells the owners of an organization that there is another one, and
	// OrgTransferred that somebody has become owner in the place of another.
	OrgOwner       Kind = "org_owner"
	OrgTransferred Kind = "org_transferred"
	// OrgDomain holds a code that proves a domain.
	OrgDomain Kind = "org_domain"
)

// Kinds are all of them.
var Kinds = []Kind{
	Locked, SignInLink, Confirm, Taken, Reset, PasswordChanged, ChangeEmail, EmailChanging, EmailChanged, NewDevice,
	DeletionScheduled, DeletionCancelled, Deleted, Approved, Invitation, TwoStepOn, TwoStepOff, BackupCodeUsed,
	BackupCodesReplaced, CodesLocked, FactorsReset, PasskeyAdded, PasskeyRemoved, PasskeyCopied, PasskeyRevoked, OrgInvitation, OrgJoined,
	OrgLeft, OrgOwner, OrgTransferred, OrgDomain,
}

// Letter is a mail that is due: what it says, not how. It is written when it
// is sent, so that the texts of today are used.
type Letter struct {
	Kind Kind   `json:"kind"`
	To   string `json:"to"`
	// Language is the BCP 47 tag of what the receiver reads; empty if that is not
	// known.
	Language string `json:"lang,omitempty"`
	// Portal is the public address of the pages, from the configuration and
	// never from a request.
	Portal string `json:"portal"`
	// Path is what the link of the letter leads to, below the portal. It may
	// hold a secret.
	Path string `json:"path,omitempty"`
	// Values fill the placeholders of the messages.
	Values map[string]string `json:"values,omitempty"`
}

// About returns a letter to a user about something that a client did. Its values
// include the address of the client, as "ip".
func About(kind Kind, user authcore.User, client authcore.Client, values map[string]string) Letter {
	l := Letter{Kind: kind, To: user.Email, Language: cmp.Or(user.Language, client.Language), Portal: client.Portal}
	l.Values = map[string]string{"ip": client.IP}
	maps.Copy(l.Values, values)
	return l
}

// LeadingTo returns the letter with a link to a path below the portal.
func (l Letter) LeadingTo(path string) Letter {
	l.Path = path
	return l
}

// JobKind is the kind of a job that sends a letter.
const JobKind job.Kind = "mail"

// NewJob returns the job that sends a letter, whose values then include the time,
// as "when".
func NewJob(s job.Sealer, l Letter, now time.Time) (job.Job, error) {
	values := map[string]string{"when": now.UTC().Format("2006-01-02 15:04 UTC")}
	maps.Copy(values, l.Values)
	l.Values = values
	return job.New(s, JobKind, l, now)
}

// Writer writes letters.
type Writer interface {
	// Write returns a letter as it is sent, less its ID and To.
	Write(l Letter) (Message, error)
}

// Delivery sends the letters of jobs.
type Delivery struct {
	Sealer job.Sealer
	Writer Writer
	Sender Sender
}

// Deliver is a job.Handler.
func (d Delivery) Deliver(ctx context.Context, j job.Job) error {
	var l Letter
	if err := j.Payload(d.Sealer, &l); err != nil {
		return err
	}
	m, err := d.Writer.Write(l)
	if err != nil {
		return fmt.Errorf("writing mail %s: %w", l.Kind, err)
	}
	m.ID, m.To = j.ID, l.To
	if err := m.Validate(); err != nil {
		return job.Permanent(err)
	}
	return d.Sender.Send(ctx, m)
}
