package world

// The numbers that the official documents use in their samples, so that what is copied from
// there works against the default world.
const (
	ServiceProvider = "1230000109"                      // 服务商商户号, also a merchant of its own
	SubMerchant     = "1900000109"                      // 子商户号
	AppID           = "wxd678efh567hg6787"              // 服务商应用ID
	SubAppID        = "wxd678efh567hg6999"              // 子商户应用ID
	ServiceID       = "2002000000000558128851361561536" // in which the user confirms each order
	GrantServiceID  = "2002000000000558128851361561537" // which the user grants once
	OverseaService  = "2002000000000558128851361561538" // overseas, in Hong Kong dollars
	ChannelID       = "1800000109"                      // 渠道商商户号 of an acquiring institution
	BrandID         = "1900009191"                      // 品牌ID of the service provider, who is a brand as well
	OpenID          = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
)

// Default is a service provider with one sub-merchant, Pay Score services that both may use, and
// a user.
func Default() *World {
	bindings := []Binding{
		{MchID: ServiceProvider, AppID: AppID, SubMchID: SubMerchant},
		{MchID: ServiceProvider, AppID: AppID, SubMchID: SubMerchant, SubAppID: SubAppID},
		{MchID: ServiceProvider, AppID: AppID},
		{MchID: ServiceProvider, AppID: AppID, SubMchID: SubMerchant, ChannelID: ChannelID},
	}
	plans := &Plans{MaxDays: 366, MaxDeductions: 100}
	quotas := []Quota{{RiskLevel: 1, SuggestedQuota: 20000}, {RiskLevel: 2, SuggestedQuota: 10000}, {RiskLevel: 3, SuggestedQuota: 5000}}
	return &World{
		Merchants: []Merchant{
			{MchID: ServiceProvider, AppIDs: []string{AppID}, BrandID: BrandID},
			{MchID: SubMerchant, AppIDs: []string{SubAppID}, Parents: []string{ServiceProvider}, Grants: []string{"payscore"}},
		},
		Services: []Service{
			{ServiceID: ServiceID, Confirm: true, Cap: 20000, Plans: plans, Quotas: quotas, Bindings: bindings},
			{ServiceID: GrantServiceID, Enjoy: true, Cap: 20000, Plans: plans, Quotas: quotas, Bindings: bindings},
			{ServiceID: OverseaService, Confirm: true, Cap: 20000, Currency: "HKD", Bindings: bindings[:1]},
		},
		Users: []User{{OpenID: OpenID}},
	}
}
