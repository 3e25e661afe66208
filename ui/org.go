package ui

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/authcore/org"
)

// orgRef is the organization that a page is about, as its visitor stands in it.
type orgRef struct {
	// Path is the address of its home.
	Path       string
	Name, Slug string
	// Role is the visitor's, as it is shown.
	Role string
	// Owner and Manages say what the visitor may do.
	Owner, Manages bool
	// Personal says that it is somebody's personal workspace, and Own that it is the
	// visitor's, who cannot leave it.
	Personal, Own bool

	standing org.Standing
}

// actor is the visitor as the service of organizations knows them.
func (v *visit) actor() org.Actor { return org.Actor{Live: v.live, Client: v.facts.Client} }

// orgSlug is the organization that the path is about.
func (v *visit) orgSlug() string {
	slug, _, _ := strings.Cut(strings.TrimPrefix(v.path, orgPrefix), "/")
	return slug
}

// orgPath is the address of the organization's home, or of a page below it.
func (v *visit) orgPath(below string) string { return v.orgHome(v.orgSlug()) + below }

func (v *visit) orgHome(slug string) string { return v.facts.Base + orgPrefix + slug }

// standing returns the organization that the path is about to a member.
func (v *visit) standing() (orgRef, error) {
	st, err := v.Orgs.Get(v.r.Context(), v.actor(), v.orgSlug())
	return v.viewOrg(st), err
}

// settled is standing for a page whose form asks for a fresh proof: it is asked
// for before the form is filled in, and not after.
func (v *visit) settled() (orgRef, error) {
	st, err := v.Orgs.Sensitive(v.r.Context(), v.actor(), v.orgSlug())
	return v.viewOrg(st), err
}

func (v *visit) viewOrg(st org.Standing) orgRef {
	return orgRef{
		Path: v.orgHome(st.Slug), Name: st.Name, Slug: st.Slug, Role: v.messages.role(st.Role), Personal: st.PersonalOf != "",
		Own:   st.PersonalOf == v.live.Identity.UserID,
		Owner: st.Role == v.Roles.Owner(), Manages: v.Roles.Manages(st.Role), standing: st,
	}
}

// role is a role as it is shown: ours have a name in every language, an operator's
// are their own.
func (m messages) role(role string) string {
	if text, ok := m["role."+role]; ok {
		return text
	}
	return role
}

// roleOptions are the roles that somebody can give.
func (v *visit) roleOptions(by org.Standing, selected string) []optionView {
	var options []optionView
	for _, role := range v.Roles.All {
		if by.MayGrant(v.Roles.Owner(), role) {
			options = append(options, optionView{role, v.messages.role(role), role == selected})
		}
	}
	return options
}

// because are the texts of errors that mean something else on every page.
type because struct {
	// field is what they are shown beside.
	field           string
	limit, conflict string
}

// orgRefused turns the error of a change into what is shown with the page again.
// Without problems, the visit is over with the error.
func (v *visit) orgRefused(err error, b because) (status int, problems map[string]string, rest error) {
	text := ""
	switch {
	case errors.Is(err, org.ErrLastOwner):
		status, text = http.StatusConflict, v.messages.text("org.last_owner")
	case errors.Is(err, org.ErrLimit):
		status, text = http.StatusUnprocessableEntity, b.limit
	case errors.Is(err, authcore.ErrConflict):
		status, text = http.StatusConflict, b.conflict
	}
	if text == "" {
		return v.refused(err, b.field)
	}
	return status, map[string]string{b.field: text}, nil
}

// limited says from when on something can be changed again.
func (v *visit) limited(l *org.LimitError) string {
	v.w.Header().Set("Retry-After", wholeSeconds(l.Until.Sub(v.Clock())))
	return v.messages.text("org_settings.too_often", "when", l.Until.UTC().Format("2006-01-02 15:04 UTC"))
}

// moved leads a visitor who knows an organization by the slug that it had until
// lately to the same page under the new one.
func (v *visit) moved(err error) error {
	if v.r.Method == http.MethodPost || v.live == nil {
		return err
	}
	slug, other := v.Orgs.Moved(v.r.Context(), v.actor(), v.orgSlug())
	if errors.Is(other, authcore.ErrNotFound) {
		return err
	}
	if other != nil {
		return other
	}
	to := url.URL{Path: v.orgHome(slug) + strings.TrimPrefix(v.path, orgPrefix+v.orgSlug()), RawQuery: v.r.URL.RawQuery}
	v.w.Header().Set("Location", to.String())
	v.w.WriteHeader(http.StatusSeeOther) // not for good: others may take the slug
	return nil
}

// missingRole says which role in the organization the page needs.
func (v *visit) missingRole() []Missing {
	st, err := v.Orgs.Get(v.r.Context(), v.actor(), v.orgSlug())
	if err != nil || st.Role == v.Roles.Owner() {
		return nil
	}
	wanted := v.Roles.Managers
	if v.route.owners || v.Roles.Manages(st.Role) {
		wanted = v.Roles.All[:1]
	}
	return []Missing{{Key: "missing_org_role", Wanted: wanted}}
}

// counted is a message with a number.
func (v *visit) counted(key string, n int) string {
	return v.messages.text(key, "n", strconv.Itoa(n))
}
