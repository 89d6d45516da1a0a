// Package releases is what the applications share: where to listen, what releases of the SDK spell differently, and a claim.
package releases

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/supertokens/supertokens-golang/recipe/session/claims"
	"github.com/supertokens/supertokens-golang/recipe/session/sessmodels"
	"github.com/supertokens/supertokens-golang/supertokens"
)

var _, hasRole = claims.PrimitiveClaim("role", noValue, nil)

// NoSession lets requests without a session through.
var NoSession = &sessmodels.VerifySessionOptions{SessionRequired: new(bool)}

// OnlyAdmins asks for the claim that the role is admin.
var OnlyAdmins = &sessmodels.VerifySessionOptions{
	OverrideGlobalClaimValidators: func(validators []claims.SessionClaimValidator, _ sessmodels.SessionContainer,
		_ supertokens.UserContext) ([]claims.SessionClaimValidator, error) {
		return append(validators, hasRole.HasValue("admin", nil, nil)), nil
	},
}

// Serve listens on the port of the environment, says that it does, and serves.
func Serve(handler http.Handler) {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")
	log.Fatal(http.Serve(listener, handler))
}
