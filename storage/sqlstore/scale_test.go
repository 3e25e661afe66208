package sqlstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sigra-auth/sigra/authcore"
	"github.com/sigra-auth/sigra/storage/sqlstore"
	"github.com/sigra-auth/sigra/tests/servers"
)

// fill makes 100,000 users, 10,000 organizations and 1,000,000 memberships: half of
// the users belong to the first organization, and everybody to ten.
var fill = []string{
	`SET session_replication_role = replica`, // does without the checks of foreign keys
	`INSERT INTO users (id, email, email_key, name, created_at, updated_at)
		SELECT 'user-' || lpad(i::text, 8, '0'), 'User' || i || '@example.com', 'user' || i || '@example.com', 'Ada Lovelace ' || i, 1, 1
		FROM generate_series(0, 99999) i`,
	`INSERT INTO organizations (id, slug, name, created_at, updated_at)
		SELECT 'org-' || lpad(i::text, 8, '0'), 'acme-' || i, 'Acme ' || i, 1, 1 FROM generate_series(0, 9999) i`,
	`INSERT INTO memberships (org_id, user_id, role, joined_at, active_at)
		SELECT 'org-' || lpad(CASE WHEN j = 0 AND i < 50000 THEN 0 ELSE 1 + (i * 7 + j * 997) % 9999 END::text, 8, '0'),
			'user-' || lpad(i::text, 8, '0'), CASE WHEN i % 100 = 0 THEN 'owner' ELSE 'member' END, 1, i + j
		FROM generate_series(0, 99999) i, generate_series(0, 9) j`,
	`VACUUM ANALYZE users, organizations, memberships`,
}

// asked keeps the last query.
type asked struct{ pgx.TraceQueryStartData }

func (a *asked) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	a.TraceQueryStartData = data
	return ctx
}

func (a *asked) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// BenchmarkScale reads memberships out of a million, and fails when that needs to
// read all of them. The plans are logged.
func BenchmarkScale(b *testing.B) {
	ctx, last := context.Background(), new(asked)
	dsn := servers.Postgres(b)
	db := migrated(b, closing(b)(sqlstore.OpenTraced(dsn, last)))
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(ctx)
	for _, statement := range fill {
		if _, err := conn.Exec(ctx, statement); err != nil {
			b.Fatal(err)
		}
	}
	const big, small, page = "org-00000000", "org-00000042", 100
	orgs := db.Orgs()
	for _, read := range []struct {
		name string
		f    func() (rows int, err error)
		scan bool // may read all memberships
	}{
		{"Memberships", func() (int, error) { m, err := orgs.Memberships(ctx, "user-00001234"); return len(m.Orgs), err }, false},
		{"Find", func() (int, error) { st, err := orgs.Find(ctx, "acme-0", "user-00001234"); return len(st.Role), err }, false},
		{"Member", func() (int, error) { m, err := orgs.Member(ctx, big, "user-00001234"); return len(m.Role), err }, false},
		{"Members/small", func() (int, error) { m, err := orgs.Members(ctx, small, "", "", page); return len(m), err }, false},
		{"Members/first", func() (int, error) { m, err := orgs.Members(ctx, big, "", "", page); return len(m), err }, false},
		{"Members/deep", func() (int, error) { m, err := orgs.Members(ctx, big, "", "user-00049000", page); return len(m), err }, false},
		{"MemberIDs/deep", func() (int, error) { m, err := orgs.MemberIDs(ctx, big, "user-00048000", 1000); return len(m), err }, false},
		{"Search/small", func() (int, error) { m, err := orgs.Members(ctx, small, "LOVELACE", "", page); return len(m), err }, true},
		{"Search/many", func() (int, error) { m, err := orgs.Members(ctx, big, "LOVELACE", "", page); return len(m), err }, true},
		{"Search/one", func() (int, error) { m, err := orgs.Members(ctx, big, "user49999@", "", page); return len(m), err }, true},
		{"Search/none", func() (int, error) { m, err := orgs.Members(ctx, big, "nobody", "", page); return len(m) + 1, err }, true},
		{"Count", func() (int, error) { n, _, err := orgs.Count(ctx, big); return n, err }, true},
		{"Affected", func() (int, error) {
			_, n, err := orgs.Affected(ctx, big, authcore.OrgRules{TwoStep: true, Methods: []authcore.FactorKind{authcore.FactorPasskey}}, 20)
			return n, err
		}, true},
		{"SpareOwner", func() (int, error) { return 1, db.SpareOwner(ctx, "user-00001234", "owner") }, true},
	} {
		b.Run(read.name, func(b *testing.B) {
			for b.Loop() {
				if n, err := read.f(); err != nil || n == 0 {
					b.Fatal(n, err)
				}
			}
			b.StopTimer()
			for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
				plan := explain(ctx, b, conn, mode, last.TraceQueryStartData)
				b.Logf("%s\n%s", mode, plan)
				if !read.scan && strings.Contains(plan, "Seq Scan on memberships") {
					b.Errorf("reads all memberships:\n%s", plan)
				}
			}
		})
	}
}

// explain returns the plan of a query: the one for its arguments, or the one for any.
func explain(ctx context.Context, b *testing.B, conn *pgx.Conn, mode string, q pgx.TraceQueryStartData) string {
	b.Helper()
	var args []string
	for _, arg := range q.Args[1:] { // after the formats of the result
		args = append(args, "'"+strings.ReplaceAll(fmt.Sprint(arg), "'", "''")+"'")
	}
	if _, err := conn.Exec(ctx, "SET plan_cache_mode = "+mode+"; PREPARE explained AS "+q.SQL, pgx.QueryExecModeSimpleProtocol); err != nil {
		b.Fatal(err)
	}
	defer conn.Exec(ctx, "DEALLOCATE explained")
	rows, err := conn.Query(ctx, "EXPLAIN (ANALYZE, COSTS OFF) EXECUTE explained ("+strings.Join(args, ", ")+")", pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		b.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		b.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
