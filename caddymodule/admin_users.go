package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/account"
	"github.com/sigra-auth/sigra/authcore/deletion"
	"github.com/sigra-auth/sigra/authcore/org"
	"github.com/sigra-auth/sigra/authcore/signup"
)

// userView is an account as operators see it.
type userView struct {
	ID        string     `json:"id"`
	Email     string     `json:"email"`
	Verified  bool       `json:"email_verified"`
	Name      string     `json:"name,omitempty"`
	Role      string     `json:"role,omitempty"`
	Disabled  *time.Time `json:"disabled_at,omitempty"`
	Awaits    *time.Time `json:"awaits_approval_since,omitempty"`
	Deletion  *time.Time `json:"deletion_at,omitempty"`
	Deleted   *time.Time `json:"deleted_at,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
}

func viewOf(u authcore.User) userView {
	v := userView{ID: u.ID, Email: u.Email, Verified: u.EmailVerified(), Name: u.Name, Role: u.Role, CreatedAt: u.CreatedAt}
	for _, moment := range []struct {
		at time.Time
		to **time.Time
	}{{u.DisabledAt, &v.Disabled}, {u.AwaitsApprovalSince, &v.Awaits}, {u.DeletionAt, &v.Deletion}, {u.DeletedAt, &v.Deleted}} {
		if !moment.at.IsZero() {
			*moment.to = &moment.at
		}
	}
	return v
}

// sessionView is a session as operators see it.
type sessionView struct {
	ID         string    `json:"id"`
	CreatedAt  time.Time `json:"created_at"`
	LastActive time.Time `json:"last_active_at"`
	ExpiresAt  time.Time `json:"expires_at"`
	IP         string    `json:"ip"`
	UserAgent  string    `json:"user_agent,omitempty"`
	Remembered bool      `json:"remembered,omitempty"`
}

// userPage is how many accounts one answer lists.
const userPage = 500

func (o operations) listUsers(r *http.Request) (any, error) {
	users, err := o.app.accounts.Page(r.Context(), r.URL.Query().Get("after"), userPage)
	if err != nil {
		return nil, err
	}
	views := make([]userView, len(users))
	for i, u := range users {
		views[i] = viewOf(u)
	}
	return views, nil
}

// newUserBody is what `caddy sigra user add` sends.
type newUserBody struct {
	Email      string `json:"email"`
	Name       string `json:"name,omitempty"`
	Role       string `json:"role,omitempty"`
	Password   string `json:"password"`
	Unverified bool   `json:"unverified,omitempty"`
}

func (o operations) addUser(r *http.Request) (any, error) {
	var body newUserBody
	if err := decodeBody(r, &body); err != nil {
		return nil, err
	}
	if err := checkRole(body.Role); err != nil {
		return nil, err
	}
	user, err := o.app.accounts.Add(r.Context(), account.NewUser{
		Email: body.Email, Name: body.Name, Password: body.Password, Role: body.Role, Verified: !body.Unverified,
	})
	if errors.Is(err, authcore.ErrConflict) {
		return nil, refused{http.StatusConflict, hasAccount}
	}
	if err != nil {
		return nil, err
	}
	return viewOf(user), nil
}

// findUser tells the account that an address means. The address is in the body,
// since Caddy logs the paths of its admin endpoint.
func (o operations) findUser(r *http.Request) (any, error) {
	var body struct {
		Email string `json:"email"`
	}
	if err := decodeBody(r, &body); err != nil {
		return nil, err
	}
	user, err := o.findAccount(r.Context(), body.Email)
	if err != nil {
		return nil, err
	}
	return viewOf(user), nil
}

const (
	hasAccount = "there is an account with this address already; see `caddy sigra user list`"
	noApproval = "the account does not wait for approval"
)

// operator is the party at the admin endpoint, as the cause of a mail. It fails where
// the links in it would lead nowhere.
func (o operations) operator() (authcore.Client, error) {
	if err := o.knowsAddress(); err != nil {
		return authcore.Client{}, err
	}
	return authcore.Client{Portal: o.app.sites().portal()}, nil
}

// knowsAddress fails for a command that runs while the gateway does not, and so knows
// no site, and where only a wildcard leads to the pages, unless the configuration names
// an origin.
func (o operations) knowsAddress() error {
	switch {
	case o.app.sites().portal() != "":
		return nil
	case o.app.serves():
		return badRequest{errors.New("this makes a link, and the public address is not known: name it by the option origin")}
	default:
		return badRequest{errors.New("this makes a link, and the public address is not known: start the gateway first, or name it by the option origin")}
	}
}

func (o operations) inviteUser(r *http.Request) (any, error) {
	var body struct {
		Email    string `json:"email"`
		Role     string `json:"role,omitempty"`
		Language string `json:"language,omitempty"`
	}
	if err := decodeBody(r, &body); err != nil {
		return nil, err
	}
	if err := checkRole(body.Role); err != nil {
		return nil, err
	}
	operator, err := o.operator()
	if err != nil {
		return nil, err
	}
	operator.Language = body.Language
	err = o.app.signups.Invite(r.Context(), signup.Invitation{Email: body.Email, Role: body.Role}, operator)
	if errors.Is(err, authcore.ErrConflict) {
		err = refused{http.StatusConflict, hasAccount}
	}
	if err != nil {
		return nil, err
	}
	return map[string]string{"invited": body.Email}, nil
}

func checkRole(role string) error {
	if role != "" && role != authcore.RoleAdmin {
		return badRequest{fmt.Errorf("role must be %q or empty", authcore.RoleAdmin)}
	}
	return nil
}

func (o operations) approveUser(r *http.Request) (any, error) {
	user, err := o.findAccount(r.Context(), r.PathValue("ref"))
	if err != nil {
		return nil, err
	}
	operator, err := o.operator()
	if err != nil {
		return nil, err
	}
	user, err = o.app.accounts.Approve(r.Context(), user, operator)
	if errors.Is(err, authcore.ErrConflict) {
		err = refused{http.StatusConflict, noApproval}
	}
	if err != nil {
		return nil, err
	}
	return viewOf(user), nil
}

func (o operations) deleteUser(r *http.Request) (any, error) {
	user, err := o.findAccount(r.Context(), r.PathValue("ref"))
	if err != nil {
		return nil, err
	}
	operator, err := o.operator()
	if err != nil {
		return nil, err
	}
	err = o.app.deletions.Delete(r.Context(), user, operator)
	var sole *deletion.SoleOwnerError
	if errors.As(err, &sole) {
		return nil, refused{http.StatusConflict, o.passingOn(sole.Orgs)}
	}
	if err != nil {
		return nil, err
	}
	return map[string]string{"deleted": user.ID}, nil
}

// passingOn says what to do with organizations that need a user.
func (o operations) passingOn(orgs []authcore.Org) string {
	lines := []string{"other members would be left without an owner; make one of them owner first, or delete the organization:"}
	for _, belongs := range orgs {
		lines = append(lines, fmt.Sprintf("  %s: caddy sigra org set-role %s <email|id> %s", belongs.Name, belongs.Slug, o.app.orgs.Config.Roles.Owner()))
	}
	return strings.Join(lines, "\n")
}

func (o operations) disable(r *http.Request) (any, error) { return o.setDisabled(r, true) }
func (o operations) enable(r *http.Request) (any, error)  { return o.setDisabled(r, false) }

func (o operations) setDisabled(r *http.Request, disabled bool) (any, error) {
	user, err := o.findAccount(r.Context(), r.PathValue("ref"))
	if err != nil {
		return nil, err
	}
	user, err = o.app.accounts.SetDisabled(r.Context(), user.ID, disabled)
	if err != nil {
		return nil, err
	}
	return viewOf(user), nil
}

func (o operations) resetFactors(r *http.Request) (any, error) {
	user, err := o.findAccount(r.Context(), r.PathValue("ref"))
	if err != nil {
		return nil, err
	}
	operator, err := o.operator()
	if err != nil {
		return nil, err
	}
	if err := o.app.twoStep.Reset(r.Context(), user, operator); err != nil {
		return nil, err
	}
	return viewOf(user), nil
}

func (o operations) setPassword(r *http.Request) (any, error) {
	var body struct {
		Password string `json:"password"`
	}
	if err := decodeBody(r, &body); err != nil {
		return nil, err
	}
	user, err := o.findAccount(r.Context(), r.PathValue("ref"))
	if err != nil {
		return nil, err
	}
	if err := o.app.accounts.SetPassword(r.Context(), user, body.Password); err != nil {
		return nil, err
	}
	return viewOf(user), nil
}

func (o operations) listSessions(r *http.Request) (any, error) {
	user, err := o.findAccount(r.Context(), r.PathValue("ref"))
	if err != nil {
		return nil, err
	}
	list, err := o.app.accounts.List(r.Context(), user.ID)
	if err != nil {
		return nil, err
	}
	views := make([]sessionView, len(list))
	for i, s := range list {
		views[i] = sessionView{s.ID, s.CreatedAt, s.Seen.At, s.ExpiresAt, s.Seen.IP, s.UserAgent, s.Remembered}
	}
	return views, nil
}

func (o operations) revokeSessions(r *http.Request) (any, error) {
	user, err := o.findAccount(r.Context(), r.PathValue("ref"))
	if err != nil {
		return nil, err
	}
	n, err := o.app.accounts.End(r.Context(), user.ID, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return map[string]int{"revoked": n}, nil
}

// describe says what is wrong with the fields of an account.
func (o operations) describe(invalid *account.InvalidError) string {
	var lines []string
	for field, problem := range invalid.Fields {
		lines = append(lines, field+": "+o.problemText(problem))
	}
	slices.Sort(lines)
	return strings.Join(lines, "; ")
}

func (o operations) problemText(p account.Problem) string {
	switch p {
	case account.ProblemRequired:
		return "is required"
	case account.ProblemEmail:
		return "is not an e-mail address"
	case account.ProblemTooShort:
		return fmt.Sprintf("is too short, use at least %d characters", o.app.passwordPolicy().Least())
	case account.ProblemTooLong, account.ProblemNameTooLong:
		return "is too long"
	case account.ProblemCommon:
		return "is one of the most common passwords"
	case account.ProblemContext:
		return "contains the name or the address of the account"
	case account.ProblemWrongCode:
		return "is not that of a mail of the last 24 hours, or was used"
	case org.ProblemNameLink:
		return "must not contain a link, such as www. or ://"
	case org.ProblemSlug:
		return "must have 3 to 63 characters of a-z, 0-9 and -, begin with a letter, and not be reserved"
	case org.ProblemSlugUsed:
		return "is taken, or was until lately"
	case org.ProblemDomain:
		return "is not a domain"
	case org.ProblemAge:
		return "must be 15m to 365d, or 0 for any"
	case org.ProblemMethods:
		return "must be some of password, link and passkey"
	default:
		return string(p)
	}
}
