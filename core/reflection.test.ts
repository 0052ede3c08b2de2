import assert from "node:assert/strict";
import { test } from "node:test";
import { create, createFileRegistry, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { ServerReflectionRequestSchema, type ServerReflectionResponse } from "#gen/grpc/reflection/v1/reflection_pb.ts";
import { ClientService } from "#gen/writ/admin/v1/client_service_pb.ts";
import { TokenService } from "#gen/writ/token/v1/token_service_pb.ts";
import { reflectionService } from "./reflection.ts";

type Question = NonNullable<MessageInitShape<typeof ServerReflectionRequestSchema>["messageRequest"]>;

async function ask(messageRequest: Question): Promise<ServerReflectionResponse["messageResponse"]> {
  const service = reflectionService([ClientService, TokenService]);
  async function* questions() {
    yield create(ServerReflectionRequestSchema, { host: "here", messageRequest });
  }
  for await (const answer of service.serverReflectionInfo(questions(), undefined as never) as AsyncIterable<ServerReflectionResponse>) {
    assert.deepEqual([answer.validHost, answer.originalRequest?.messageRequest.case], ["here", messageRequest.case]);
    return answer.messageResponse;
  }
  throw new Error("no answer");
}

async function filesOf(messageRequest: Question) {
  const answer = await ask(messageRequest);
  if (answer.case !== "fileDescriptorResponse") throw new Error(`${answer.case}: ${JSON.stringify(answer.value)}`);
  return answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
}

test("grpc.reflection.v1: lists the services", async () => {
  const answer = await ask({ case: "listServices", value: "" });
  assert.deepEqual(answer.case === "listServicesResponse" && answer.value.service.map(({ name }) => name), ["writ.admin.v1.ClientService", "writ.token.v1.TokenService"]);
});

test("grpc.reflection.v1: the file of a service, method, message, field or extension comes with all that it imports, imports first", async () => {
  for (const value of [
    "writ.token.v1.TokenService",
    "writ.token.v1.TokenService.Introspect",
    "writ.token.v1.IntrospectRequest",
    "writ.token.v1.IntrospectRequest.token",
    "writ.access",
  ]) {
    const files = await filesOf({ case: "fileContainingSymbol", value });
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: files })); // throws when an import is missing
    if (value !== "writ.access") assert.ok(registry.getService("writ.token.v1.TokenService"));
    assert.equal(files[0]?.name, "google/protobuf/descriptor.proto");
  }
  const { length } = await filesOf({ case: "fileByFilename", value: "writ/admin/v1/client_service.proto" });
  assert.ok(length > 3);
});

test("grpc.reflection.v1: extensions are found by number and listed", async () => {
  const extension = { containingType: "google.protobuf.MethodOptions", extensionNumber: 51001 };
  assert.equal((await filesOf({ case: "fileContainingExtension", value: extension })).at(-1)?.name, "writ/options.proto");
  const answer = await ask({ case: "allExtensionNumbersOfType", value: "google.protobuf.MethodOptions" });
  assert.deepEqual(answer.case === "allExtensionNumbersResponse" && answer.value.extensionNumber, [51001, 51002]);
});

test("grpc.reflection.v1: what is not known is NOT_FOUND in the answer, and the stream goes on", async () => {
  const unknown: Question[] = [
    { case: "fileContainingSymbol", value: "writ.store.v1.Nothing" },
    { case: "fileContainingSymbol", value: "" },
    { case: "fileByFilename", value: "../../etc/passwd" },
    { case: "fileContainingExtension", value: { containingType: "__proto__", extensionNumber: 1 } },
    { case: undefined },
  ];
  for (const question of unknown) {
    const answer = await ask(question);
    assert.equal(answer.case === "errorResponse" && answer.value.errorCode, 5);
  }
});
