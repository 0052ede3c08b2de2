import type { DescService } from "@bufbuild/protobuf";
import { ClientService } from "#gen/writ/admin/v1/client_service_pb.ts";
import { ConsentService } from "#gen/writ/admin/v1/consent_service_pb.ts";
import { DeviceService } from "#gen/writ/admin/v1/device_service_pb.ts";
import { JwkService } from "#gen/writ/admin/v1/jwk_service_pb.ts";
import { LoginService } from "#gen/writ/admin/v1/login_service_pb.ts";
import { LogoutService } from "#gen/writ/admin/v1/logout_service_pb.ts";
import { MetadataService } from "#gen/writ/admin/v1/metadata_service_pb.ts";
import { SessionService } from "#gen/writ/admin/v1/session_service_pb.ts";
import { TokenService } from "#gen/writ/admin/v1/token_service_pb.ts";
import { TrustedIssuerService } from "#gen/writ/admin/v1/trusted_issuer_service_pb.ts";

/** The services whose RPCs have routes on the admin REST API. */
export const REST_SERVICES: readonly DescService[] = [
  ClientService,
  JwkService,
  TokenService,
  MetadataService,
  LoginService,
  ConsentService,
  DeviceService,
  LogoutService,
  SessionService,
  TrustedIssuerService,
];
